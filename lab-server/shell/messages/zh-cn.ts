import type { Messages } from './en.ts'
import { describeRefusal } from './refusal-zh-cn.ts'

/** 终端里由本项目书写的全部中文。etcd 自己的输出保持原样，不在此列。 */
export const zhCn: Messages = {
  listSeparator: '、',
  line: {
    tooLong: (p) => `这一行有 ${String(p.length)} 个字符，上限是 ${String(p.limit)}。`,
    syntax: (p) =>
      `第 ${String(p.column)} 列的“${p.symbol}”：这个终端背后没有 shell，管道、重定向、变量、命令替换和命令列表都不存在，一行就是一条命令。如果要的就是这个字符，请用单引号括起来。`,
    expansion: (p) =>
      `第 ${String(p.column)} 列的“${p.symbol}”：这个终端背后没有 shell，双引号里的内容不会被展开。如果要的就是这些字符，请改用单引号。`,
    assignment: (p) =>
      `第 ${String(p.column)} 列的“${p.symbol}”：这个终端背后没有 shell，也没有可设置的环境变量。去掉它即可：这里的 etcdctl 固定以 API 3 访问你自己的集群。`,
    unterminated: (p) => `第 ${String(p.column)} 列的引号 ${p.symbol} 没有闭合。`,
    backslash: (p) => `第 ${String(p.column)} 列的反斜杠位于行尾，后面没有可转义的字符。`,
    invisible: (p) =>
      `第 ${String(p.column)} 列是看不见的字符 ${p.symbol}。请手动输入，或以纯文本方式重新粘贴。`,
    fullWidth: (p) =>
      `第 ${String(p.column)} 列的“${p.symbol}”是全角字符，这里应为半角的“${p.expected}”。如果要的就是这个字符，请用引号括起来。`,
    wideSpace: (p) =>
      `第 ${String(p.column)} 列的空白不是普通空格。请改成半角空格，或用引号括起来。`,
  },
  arguments: {
    unknownOption: (p) =>
      `${p.command} 没有选项 ${p.option}。${p.nearest === null ? '' : `是不是 ${p.nearest}？`}`,
    missingValue: (p) => `${p.option} 需要一个值：${p.value}。`,
    noValue: (p) => `${p.option} 不带值，这里却有“${p.value}”。`,
    repeated: (p) => `${p.option} 出现了两次。`,
    notInteger: (p) =>
      `${p.option} 的值是“${p.value}”，应为 ${String(p.min)} 到 ${String(p.max)} 之间的整数。`,
    notChoice: (p) => `${p.option} 的值是“${p.value}”，应为其中之一：${p.choices}。`,
    missing: (p) => `缺少 ${p.positional}：${p.text}。`,
    tooMany: (p) => `多了一个参数“${p.value}”。`,
    versionTwice: '版本给了两次：写在冒号后面，或者用 --version，二选一。',
    usage: (p) => `用法：${p.line}`,
    example: (p) => `示例：${p.line}`,
    more: (p) => `详细说明：${p.line}`,
  },
  help: {
    title: '命令',
    more: 'help <命令> 查看选项和示例。Tab 补全，Ctrl-C 结束正在运行的命令。',
    options: '选项',
    positionals: '参数',
    examples: '示例',
    aliases: (p) => `别名：${p.names}`,
    defaultValue: (p) => `（默认 ${p.value}）`,
  },
  shared: {
    compose: (p) =>
      `这个集群是 Docker Compose 启动的，连到这台实验服务器的人共用：你制造的故障、用 etcdctl 做的改动，所有人都会受影响。注册中心的键各归各：你的键都以 ${p.namespace} 开头，这个前缀只有 etcdctl 看得到。`,
    endpoints:
      '这是别人的集群，实验环境只是接入：碰不到成员进程，所以没有 kill、stop、start、pause、resume 和 logs。注册中心的数据大家共用，etcdctl 的改动也会影响所有人；没有应答的成员显示为“已退出”。',
  },
  shell: {
    unknownCommand: (p) =>
      `没有命令“${p.command}”。${p.nearest === null ? '' : `是不是 ${p.nearest}？`}输入 help 查看全部命令；这个终端只通向你的集群，没有系统 shell。`,
    noQuorum:
      '集群没有法定多数，这个请求无法完成。cluster 显示缺了谁，start（或 resume）让它们回来。',
    waitsForQuorum: (why) =>
      `${why}etcd 要等法定多数恢复后才能应答，命令仍在等待；按 Ctrl-C 放弃。`,
    timeLimit: (p) => `${p.command} 运行超过 ${String(p.seconds)} 秒，已被结束。`,
    interrupted: '已中断。',
    authOn:
      '认证已开启，而实验自带的注册中心和面板没有用户，etcd 只应答带用户名的请求。关闭认证：etcdctl --user <用户名>:<密码> auth disable。忘了密码，就结束这个实验，另开一个。',
    noSpace:
      '数据库已达到配额，etcd 不再接受写入。腾出空间：etcdctl del --prefix <键>、etcdctl compaction <修订号>、etcdctl defrag，最后 etcdctl alarm disarm',
  },
  errors: {
    INTERNAL: '实验环境自身出了问题，细节见实验服务器的日志。',
    LAB_NOT_READY: '实验集群还没有就绪。',
    LAB_ENDED: '这个实验已经结束。',
    NO_SUCH_MEMBER: '没有这个成员。',
    MEMBER_STATE: '成员目前的状态不允许这样做。',
    MEMBER_START_FAILED: '成员没有启动成功。',
    NO_LEADER: '目前没有 leader。',
    NO_SUCH_PROVIDER: '没有这个提供者。',
    PROVIDER_STATE: '提供者目前的状态不允许这样做。',
    PROVIDER_START_FAILED: '提供者没有启动成功。',
    PROVIDER_LIMIT: '提供者已经达到上限。',
    QUORUM_LOST: '集群失去了法定多数，无法完成这个请求。',
    UNAVAILABLE: '目前没有成员能应答。',
    TIMEOUT: 'etcd 没有在期限内应答。',
    COMPACTED: '要求的 revision 已经被压缩。',
    SNAPSHOT: '磁盘上保存的视图无法使用。',
    HISTORY_CHANGED: '集群的历史和之前跟踪的对不上。',
    INVALID_INSTANCE: '服务或实例的写法不对。',
    UNDECODABLE: '有一个值无法解析。',
    NOT_REGISTERED: '没有注册过这个实例。',
    LEASE_LOST: '租约已经失效。',
    NAIVE_LIMIT: '朴素注册中心在这里已经达到上限。',
    ETCD_REFUSED: 'etcd 拒绝了这个请求。',
    CLOSED: '连接已经关闭。',
    NOT_ALLOWED: '这里不允许这样做。',
    CONFIG: '设置有误。',
  },
  refusal: describeRefusal,
  errorWithOriginal: (sentence, original) => `${sentence}原文：${original}`,
  cluster: {
    member: '成员',
    process: '进程',
    role: '角色',
    term: '任期',
    revision: 'REVISION',
    dbSize: '数据库',
    version: '版本',
    leader: 'leader',
    follower: 'follower',
    silent: '无应答',
    refuses: '拒绝应答',
    knowsNone: '不知道谁是 leader',
    believes: (p) => `跟随 ${p.leader}`,
    states: {
      starting: '启动中',
      running: '运行',
      paused: '暂停',
      stopped: '已停止',
      killed: '被杀掉',
      exited: '自行退出',
    },
    quorumHeld: (p) =>
      `法定多数满足：${String(p.total)} 个成员中有 ${String(p.running)} 个在运行，至少需要 ${String(p.needed)} 个。`,
    quorumLost: (p) =>
      `法定多数丧失：${String(p.total)} 个成员中只有 ${String(p.running)} 个在运行，至少需要 ${String(p.needed)} 个。`,
    quorumMeaning:
      '没有法定多数时，etcd 拒绝写入和线性一致读；串行读（etcdctl get --consistency=s）仍能应答，返回的是该成员最后所知的数据。',
    nobodyRuns: '没有成员在运行，什么都无法应答。',
    bringBack: (p) => `恢复：${p.commands}`,
    noLeader: '目前没有成员是 leader。',
    untold: (p) => `看不到谁是 leader：${p.member} 拒绝报告自己的状态（${p.reason}）。`,
    errorsOf: (p) => `${p.member} 报告：${p.errors}`,
  },
  fault: {
    killed: (p) => `${p.member} 已被杀掉（SIGKILL），进程已消失。`,
    stopped: (p) => `${p.member} 已正常停止（SIGTERM），进程已退出。`,
    paused: (p) => `${p.member} 已暂停（SIGSTOP）：进程还在，但不应答任何人。`,
    resumed: (p) => `${p.member} 继续运行（SIGCONT）。`,
    started: (p) => `${p.member} 用时 ${p.took} 恢复服务。`,
    wasLeader: (p) => `${p.member} 原是 leader（任期 ${p.term}）。`,
    measuring: '正在测量故障切换（Ctrl-C 只是不再等待，不影响集群）……',
    newLeader: (p) => `新 leader：${p.member}${p.term === null ? '' : `（任期 ${p.term}）`}。`,
    leaderless: (p) =>
      `没有 leader 的时间：${p.time}（采样 ${String(p.samples)} 次，间隔最长 ${p.widest}）。`,
    writeGap: (p) => `无法写入的时间：${p.time}，到第一次写入得到确认为止。`,
    notSeen: '测量期间没有看到新 leader。',
    noWrite: '测量期间没有写入得到确认。',
    leaderStays: (p) => `现在的 leader 是 ${p.member}。`,
    nextAfterLoss: (p) => `接下来：services（注册信息都还在）、cluster，然后 ${p.start}`,
    nextAfterReturn: '接下来：cluster',
    nobodyToStart: '所有成员都已启动。',
    nobodyToResume: '没有被暂停的成员。',
    noSuchMember: (p) =>
      `没有成员 ${p.member}，现有 ${p.members}。${p.nearest === null ? '' : `是不是 ${p.nearest}？`}`,
    noFollower: '没有正在运行的 follower。',
    wrongState: (p) => `不能对 ${p.member} 执行 ${p.action}：它当前的状态是“${p.state}”。`,
  },
  register: {
    done: (p) => `已注册 ${p.node}：租约 ${p.lease}，TTL ${String(p.ttl)} 秒，由实验环境负责续约。`,
    overtook: (p) =>
      `${p.node} 原本就已注册，在租约 ${p.lease} 上（还剩 ${String(p.remaining)} 秒）。如果有别的提供者在续这个租约，它的地址刚刚被接管了：两个提供者不该用同一个地址。`,
    granted: (p) =>
      `请求的 TTL 是 ${String(p.asked)} 秒，etcd 给了 ${String(p.granted)} 秒：TTL 必须长过一次选举。`,
    next: (p) =>
      `接下来：${p.prefix}discover ${p.service}；在另一个终端里 ${p.prefix}watch ${p.service}；或 ${p.prefix}deregister ${p.node}`,
  },
  deregister: {
    own: (p) => `已注销 ${p.node}：键已删除，实验环境不再为它续约。`,
    foreign: (p) =>
      `已注销 ${p.node}：键已删除。它不是由本实验注册的，原来的注册者可能会再写回来。`,
  },
  discover: {
    address: '地址',
    group: '分组',
    revision: 'REVISION',
    lease: '租约',
    noLease: '无，永不过期',
    found: (p) => `${p.service}：revision ${p.revision} 时有 ${String(p.count)} 个实例。`,
    none: (p) => `${p.service}：revision ${p.revision} 时没有实例。`,
    hint: (p) => `注册一个：${p.prefix}register ${p.service} 127.0.0.1:8080`,
    undecodable: (p) => `已跳过 ${p.key}：${p.reason}`,
  },
  naive: {
    registered: (p) =>
      `朴素注册中心已注册 ${p.node}：租约 ${p.lease}，TTL ${String(p.ttl)} 秒。它每 10 秒换一个新租约，把键重写一遍。`,
    next: (p) => `接下来：discover ${p.service} --naive；lease；或 deregister ${p.node} --naive`,
    deregistered: (p) =>
      `朴素注册中心已发出删除 ${p.node} 的请求，没有等待应答。它的租约会一直留到过期。`,
    answered: {
      etcd: '应答的是朴素注册中心：这次问了 etcd，以后不会再问。',
      cache: '应答的是朴素注册中心：结果来自它的缓存，没有问 etcd。',
    },
    limits: {
      calls: (p) =>
        `朴素注册中心还有 ${String(p.max)} 个调用在等它唯一会问的成员 etcd1：它从不放弃，按了 Ctrl-C 也一样，所以实验环境不再发起新的调用。让 etcd1 回来（start etcd1 或 resume etcd1），这些调用就会自行结束；在此期间，不带 --naive 的命令照常可用。`,
      beats: (p) =>
        `朴素注册中心还有 ${String(p.max)} 次心跳没有结束，后面的心跳会被跳过。让 etcd1 回来（start etcd1 或 resume etcd1），它们就会自行结束。`,
      watches: (p) =>
        `朴素注册中心从不结束 watch，而实验环境最多保留 ${String(p.max)} 个，容不下这次查询要新建的 watch。请去掉 --naive，或者结束实验再重新开始一个。`,
    },
    fault: (p) => `${p.title}：${p.symptom}。`,
    more: 'register、deregister、discover 都可以带 --naive。“原实现错在哪里”一页把其中几个与真正的注册中心并排运行。',
    faults: {
      'clears-wrong-key': {
        title: '删除事件清缓存时用错了键',
        symptom: '已经下线的提供者会一直返回',
      },
      'watches-known-keys-only': {
        title: '只监听发现服务时已有的键',
        symptom: '第二个提供者永远看不到',
      },
      'caches-empty-list': {
        title: '空列表也进缓存，背后却没有 watch',
        symptom: '比提供者先启动的消费者一直看不到它，除非重启',
      },
      'ignores-puts': { title: '忽略 PUT 事件', symptom: '更新和重新上线都看不到' },
      'watch-without-revision': {
        title: '列出之后的 watch 不带 revision',
        symptom: '两者之间的事件丢失',
      },
      'watch-dies-silently': {
        title: 'watch 没有错误处理，遇到压缩就结束',
        symptom: 'watch 已经死了，没有人知道',
      },
      'watches-pile-up': { title: '监听的键只增不减', symptom: '提供者上上下下，watch 越积越多' },
      'heartbeat-rewrites': {
        title: '心跳每 10 秒申请一个新租约并 PUT 一次',
        symptom: '3 个键有 11 个租约；什么都没发生，revision 也在涨，每个 watch 都被惊动',
      },
      'never-revokes': {
        title: '不撤销租约，也不等删除的结果',
        symptom: '租约残留；注销失败了，看起来也像成功',
      },
      'skips-expired-key': {
        title: '心跳跳过已经过期的键',
        symptom: '中断超过 TTL 之后，提供者再也回不来',
      },
      'trusts-read-back': {
        title: '心跳相信从 etcd 读回的值',
        symptom: '端口被改动就多出一个幻影键；被人不带租约覆盖过的键永不过期',
      },
      'one-throw-stops-all': {
        title: '异常会跳出遍历各个键的循环',
        symptom: '一个坏键让健康的键也得不到续约',
      },
      'heartbeat-races-deregister': {
        title: '心跳与注销之间有竞态',
        symptom: '注销之后又冒出来的僵尸注册',
      },
      'no-deadline': {
        title: '所有调用都没有期限',
        symptom: 'etcd 暂停时，服务发现挂起超过 25 秒',
      },
      'no-single-flight': {
        title: '并发的调用者不合并请求',
        symptom: '50 个调用者发出 18 次 Range',
      },
      'undecodable-throws': { title: '一个值无法解析就抛异常', symptom: '整个服务都查不到' },
      'one-endpoint': {
        title: '只有一个端点，没有认证，没有 TLS',
        symptom: '一个成员不在就是全面中断；auth enable 之后所有客户端都不能用',
      },
      'global-scheduler': {
        title: '整个进程共用一个调度器',
        symptom: '同一进程里的第二个注册中心启动失败；慢的心跳互相重叠，最多 8 层',
      },
      'aligned-ticks': {
        title: '心跳对齐到整十秒',
        symptom: '所有提供者都在 :00、:10、:20 同时访问 etcd',
      },
      'no-validation': { title: '不检查“/”“:”和 IPv6', symptom: 'S:1.0/::1:9000 有两种读法' },
    },
  },
  services: {
    service: '服务',
    instances: '实例数',
    total: (p) => `revision ${p.revision} 时有 ${String(p.count)} 个服务。`,
    none: (p) =>
      `revision ${p.revision} 时没有任何服务。注册一个：${p.prefix}register UserService 127.0.0.1:8080`,
  },
  snapshot: {
    problem: '不可读的原因',
    total: (p) => `revision ${p.revision} 时有 ${String(p.count)} 个 key。`,
    cut: (p) => `只显示前 ${String(p.shown)} 个。只看一个服务：discover。`,
    notYet: (p) => `etcd 还没到 revision ${p.revision}。snapshot 最后一行就是当前的 revision。`,
    noRevision: (p) =>
      `--rev 后面要写 revision，从 1 开始的整数，而不是“${p.text}”。snapshot 最后一行就是当前的 revision。`,
  },
  watch: {
    from: (p) =>
      `${p.service}：revision ${p.revision} 时有 ${String(p.count)} 个实例。从这里开始监听，Ctrl-C 结束。`,
    added: '新增',
    updated: '更新',
    removed: '移除',
    undecodable: '无法解析',
    relisted: (p) =>
      p.because === 'compacted'
        ? `压缩越过了监听的位置，已在 revision ${p.revision} 重新列出`
        : `etcd 的历史和之前监听的对不上（是否从快照恢复过？），已在 revision ${p.revision} 重新列出`,
    revision: (p) => `rev ${p.revision}`,
    group: (p) => `分组 ${p.group}`,
    draining: '摘流中',
    ended: '监听已结束。',
  },
  provider: {
    name: '提供者',
    state: '状态',
    weight: '权重',
    states: {
      starting: '启动中',
      running: '运行',
      paused: '暂停',
      draining: '摘流中',
      ended: '已结束',
    },
    actionsTitle: '动作',
    actions: {
      start: '启动进程，它们自行注册并应答调用',
      list: '列出正在运行的提供者',
      kill: 'SIGKILL：进程消失，键要等租约到期才消失',
      pause: 'SIGSTOP：进程还在，但不应答，也不续约',
      resume: 'SIGCONT：继续运行，租约若已过期就重新注册',
      drain: '先标记摘流，处理完手上的调用，再注销、退出',
    },
    allOf: '全部',
    noSuchAction: (p) =>
      `provider 没有动作“${p.value}”，应为其中之一：${p.choices.join('、')}。${p.nearest === null ? '' : `是不是 ${p.nearest}？`}`,
    noService: '要启动哪个服务？例如：provider start UserService',
    noTarget: (p) =>
      `要操作哪个提供者？写名字（如 p1）、地址、服务名或 all：provider ${p.action} p1`,
    onlyForStart: (p) => `${p.option} 只用于 provider start。`,
    limit: (p) =>
      `一个实验环境最多同时有 ${String(p.max)} 个提供者，现有 ${String(p.running)} 个，放不下再加的 ${String(p.wanted)} 个。先腾出位置：provider list，然后 provider drain <提供者|服务|all>`,
    none: '没有提供者在运行。启动一个：provider start UserService',
    noSuchProvider: (p) =>
      `没有提供者 ${p.provider}。正在运行的有：${p.providers}。${p.nearest === null ? '' : `是不是 ${p.nearest}？`}`,
    nobody: {
      kill: '没有可以杀掉的提供者。',
      pause: '没有正在运行、可以暂停的提供者。',
      resume: '没有被暂停的提供者。',
      drain: '没有正在运行、可以摘流的提供者；暂停中的要先恢复。',
    },
    started: (p) =>
      `${p.provider} 已在 ${p.address} 应答，并自行注册为 ${p.service}，TTL ${String(p.ttl)} 秒，权重 ${String(p.weight)}。`,
    next: (p) => `接下来：call ${p.service}、discover ${p.service}、provider list`,
    killed: (p) =>
      `${p.provider} 已被杀掉（SIGKILL）。没人再为它续约，键最多再留 ${String(p.ttl)} 秒左右。`,
    paused: (p) =>
      `${p.provider} 已暂停（SIGSTOP）：还能建立连接，但不应答，也不续约，键最多再留 ${String(p.ttl)} 秒左右。`,
    resumed: (p) => `${p.provider} 继续运行（SIGCONT）。租约若已过期，它会重新注册。`,
    drained: (p) =>
      `${p.provider} 用时 ${p.took} 完成摘流：标记摘流、处理完手上的调用、注销、退出。`,
    drainedWithoutWord: (p) =>
      `${p.provider} 已退出，但 etcd 没有确认注销，键最多再留 ${String(p.ttl)} 秒左右。`,
    afterwards: {
      kill: '接下来：趁键还在，调用这个服务；再看着键消失。',
      pause: '接下来：调用这个服务；然后 provider resume all',
      resume: '接下来：provider list，然后调用这个服务。',
      drain: '接下来：provider list',
    },
  },
  call: {
    line: (p) => `#${String(p.number)} ${p.words}`,
    answered: (p) =>
      `${p.provider} ${p.address} 用时 ${p.time} 应答（这是它应答的第 ${String(p.count)} 次）。`,
    stranger: (p) => `${p.address} 不是由本实验启动的：没有向它发送任何内容。`,
    gone: (p) => `${p.provider} ${p.address} 的进程已经不在，只剩下键：没有发送任何内容。`,
    refused: (p) => `${p.provider} ${p.address} 拒绝连接：调用没有执行。`,
    late: (p) => `${p.provider} ${p.address} 在 ${p.time} 内没有应答：调用可能已经执行。`,
    broken: (p) => `${p.provider} ${p.address} 在 ${p.time} 后断开：调用可能已经执行。`,
    retried: (p) => `${p.words}已重试：${p.retry}`,
    notRetried: (p) => `${p.words}没有别的实例可以重试。`,
    nobody: (p) => `${p.service} 没有可以调用的实例。`,
    share: (p) => `${p.provider} ${String(p.count)} 次`,
    summary: (p) =>
      `共 ${String(p.calls)} 次调用：应答 ${String(p.answered)}，失败 ${String(p.failed)}，重试 ${String(p.retried)}。${p.by === '' ? '' : `应答者：${p.by}。`}`,
    uncertain:
      '没有等到应答，不等于什么都没做。这里的调用只是计数，所以照样重试；在你自己的服务里，只有做两次也无妨的调用（幂等）才能这样重试。',
    startOne: (p) => `启动一个会应答的提供者：provider start ${p.service}`,
  },
  lease: {
    id: '租约',
    remaining: '剩余',
    granted: 'TTL',
    keys: '键',
    seconds: (p) => `${String(p.seconds)} 秒`,
    expired: '已过期',
    none: (p) =>
      `目前没有租约。注册一个实例就会产生：${p.prefix}register UserService 127.0.0.1:8080`,
    total: (p) => `共 ${String(p.count)} 个租约。ID 是十六进制，与 etcdctl 的显示一致。`,
    decimal: (p) => `租约 ${p.hex}（十进制 ${p.decimal}）`,
    remainingOf: (p) => `TTL ${String(p.granted)} 秒，剩余 ${String(p.remaining)} 秒。`,
    keysOf: (p) => `绑定的键：${String(p.count)} 个`,
    unknown: (p) => `没有租约 ${p.id}，可能已经过期。`,
    malformed: (p) => `“${p.id}”不是租约 ID：应为十六进制数字，与 lease 和 etcdctl 的显示一致。`,
  },
  endpoints: {
    member: '成员',
    endpoint: '端点',
    state: '进程',
    silent: (p) => `${p.endpoint} 没有应答：${p.reason}`,
    refuses: (p) =>
      `${p.endpoint} 有应答，但不允许当前用户查询状态（${p.reason}）。集群开启认证后，请用拥有 root 角色的用户：--user <用户名>`,
    note: '每个成员监听各自的套接字，所在目录只有实验环境能打开。etcdctl 默认询问全部成员，--endpoints=etcd1 只问一个。',
  },
  explain: {
    key: '键',
    value: '值',
    created: '创建',
    modified: '最后修改',
    leaseTitle: '租约',
    atRevision: (p) => `revision ${p.revision}`,
    modifiedAt: (p) => `revision ${p.revision}，version ${p.version}（创建以来的写入次数）`,
    lease: (p) =>
      `${p.id}，TTL ${String(p.granted)} 秒，剩余 ${String(p.remaining)} 秒，${p.keys === 1 ? '只绑定了这一个键' : `共绑定 ${String(p.keys)} 个键`}`,
    noLease: '无',
    leaseOverdue: (p) => `${p.id}，已过期，etcd 即将删除这个键`,
    leaseGone: (p) => `${p.id}，etcd 里已经没有这个租约`,
    neverExpires: '没有租约：永不过期。提供者挂掉以后，消费者会一直调用它，直到有人删掉这个键。',
    undecodable: (p) => `消费者会跳过它，原因：${p.reason}`,
    seenAt: (p) => `以上是 revision ${p.revision} 时的状态。`,
    absent: (p) => `etcd 里没有 ${p.key}。`,
  },
  doctor: {
    ghost: (p) => `幽灵实例：${p.key} 没有租约，永不过期。`,
    ghostAdvice: '如果提供者已经不在，就删掉它；如果还在运行，应让它带租约注册。',
    undecodable: (p) => `无法解析：消费者会跳过 ${p.key}，原因：${p.reason}`,
    foreignKey: (p) => `格式之外的键：${p.key} 不是 /rpc/<服务>:<版本>/<主机>:<端口>。`,
    mismatch: (p) => `键值矛盾：${p.key} 的值描述的却是 ${p.valueKey}。`,
    strayKey: (p) => `失联的键：${p.key} 绑定的租约 ${p.lease} 在 etcd 里已不存在。`,
    overdueLease: (p) => `逾期租约：${p.lease} 已过期却还没被清除，绑定着 ${String(p.keys)} 个键。`,
    orphanLease: (p) =>
      `孤儿租约：${p.lease}（TTL ${String(p.granted)} 秒，剩余 ${String(p.remaining)} 秒）没有绑定任何键。`,
    orphanAdvice:
      '它可能属于这个 etcd 的其他使用者，也可能是正在进行的注册：先再看一次、问清楚，再撤销。放着不管，只要没人续约就会自己过期。',
    fullLease: (p) =>
      `租约过载：${p.lease} 绑定了 ${String(p.keys)} 个键，它结束时会让 etcd 卡顿。`,
    fullAdvice: '让提供者把键分散到多个租约上，每个租约最多 1000 个。',
    noSpace: (p) => `${p.member} 发出 NOSPACE 告警：数据库已达到配额，etcd 不再接受写入。`,
    corrupt: (p) => `${p.member} 发出 CORRUPT 告警：它的数据与其他成员不一致。`,
    corruptAdvice: '先确认是哪个成员错了，移除它，再用空的数据目录重新加入。',
    silentEndpoint: (p) => `${p.endpoint} 没有应答。`,
    silentAdvice: '检查进程是否在运行、网络是否可达，然后把它启动起来。',
    refusingEndpoint: (p) => `${p.endpoint} 有应答，但不允许当前用户查询状态。`,
    refusingAdvice:
      '集群开启认证后，只有拥有 root 角色的用户才能查询成员状态。用 --user <用户名> 或 MING_REGISTRY_USERNAME 指定这样的用户。',
    unreachable: (p) =>
      `etcd 在 ${p.endpoints} 没有应答。它在那里吗？可以用 --endpoints 或 MING_REGISTRY_ENDPOINTS 指定别的地址。`,
    unread: {
      alarms: (p) => `读不到告警：${p.reason}。`,
      keys: (p) => `读不到 /rpc/ 下的键和它们的租约：${p.reason}。`,
      leases: (p) => `读不到租约：${p.reason}。`,
    },
    unanswered: {
      QUORUM_LOST: '集群没有法定多数',
      UNAVAILABLE: '没有成员应答',
      TIMEOUT: '没有在期限内等到应答',
    },
    unreadAdvice: '那里有没有问题还不知道。先让成员回来，凑够法定多数，再运行一次 doctor。',
    noLeader: (p) => `${p.member} 不知道谁是 leader。`,
    leaderAdvice: '让足够多的成员回来，凑够法定多数；选出新 leader 后会自行恢复。',
    more: (p) => `……另有 ${String(p.count)} 条 ${p.kind}。`,
    keysCut: (p) => `/rpc/ 下共有 ${String(p.total)} 个键，只检查了 ${String(p.seen)} 个。`,
    leasesCut: (p) =>
      `共有 ${String(p.total)} 个租约，只检查了 ${String(p.seen)} 个，注册中心用到的优先。`,
    looked: (p) => {
      const endpoints = `${String(p.endpoints)} 个端点`
      if (p.keys === null) return `${endpoints}，键和租约没有读到`
      const keys = `/rpc/ 下 ${String(p.keys)} 个键`
      if (p.leases === null) return `${keys}、${endpoints}，租约没有读到`
      return `${keys}、${String(p.leases)} 个租约、${endpoints}`
    },
    healthy: (p) => `一切正常：${p.looked}。`,
    summary: (p) => `发现 ${String(p.findings)} 个问题；检查了 ${p.looked}。`,
  },
  completion: {
    unknown: (p) => `不支持为“${p.shell}”补全，可选：${p.shells}。`,
  },
  program: {
    about: '命令行里的 etcd 服务注册中心：注册、发现、监听，并查清来龙去脉。',
    usage: '[选项] <命令> …',
    more: (p) =>
      `${p.program} help <命令> 查看选项和示例。退出码：0 正常，1 失败，2 用法错误，130 Ctrl-C。`,
    options: {
      endpoints:
        'etcd 成员的地址，用逗号分隔：http://、https://、unix:// 或 host:port（默认 http://127.0.0.1:2379）',
      user: '访问 etcd 的用户；密码可以放在 MING_REGISTRY_PASSWORD 里，免得出现在进程列表中',
      'ca-file': '签发成员证书的 CA（默认用 Node 信任的那些）',
      'cert-file': '自己的证书，etcd 要求客户端证书时使用',
      'key-file': '--cert-file 对应的私钥',
      config:
        '从文件读取注册中心的设置，写法同框架的 rpc.registry 或 rpc.registryConfig；MING_REGISTRY_… 优先于文件，选项优先于两者',
      output: '给人看的文字，或给程序用的 JSON；持续输出时每行一个对象',
      lang: '输出的语言（默认随 shell 的设置）',
      timeout: 'etcd 最多可以用多少毫秒来应答（默认 5000）',
      help: '显示本页，或某条命令的说明',
      version: '本程序的版本',
    },
    unknownCommand: (p) =>
      `没有命令“${p.command}”。${p.nearest === null ? '' : `是不是 ${p.nearest}？`}输入 ${p.program} help 查看全部命令。`,
    unknownOption: (p) =>
      `命令之前没有选项 ${p.option}。${p.nearest === null ? '' : `是不是 ${p.nearest}？`}`,
    choice: (p) => `${p.option} 的值是“${p.value}”，应为其中之一：${p.choices}。`,
    takesNoValue: (p) => `${p.option} 不带值。`,
    unreadable: (p) => `读不了 --config 指定的文件：${p.reason}`,
    configWarning: (p) => `设置提醒：${p.text}`,
    unanswered: (p) =>
      `etcd 在 ${p.endpoints} 没有应答。它在那里吗？可以用 --endpoints 或 MING_REGISTRY_ENDPOINTS 指定别的地址。原文：${p.reason}`,
    waitsForAnswer: 'etcd 至今没有应答，仍在重试；按 Ctrl-C 放弃。',
    nobodyLeads: '集群没有法定多数：没有成员认定的 leader。',
    internal: '程序自身出了问题，细节见上文。',
    registered: (p) =>
      `已注册 ${p.node}：租约 ${p.lease}，TTL ${String(p.ttl)} 秒，持续续约直到 Ctrl-C。`,
    afterRegister: (p) =>
      `可以在另一个 shell 里：${p.prefix}discover ${p.service}、${p.prefix}watch ${p.service} 或 ${p.prefix}explain ${p.node}`,
    deregistered: (p) => `已注销 ${p.node}：键已删除。如果提供者还在运行，它会重新写回。`,
    released: (p) => `已注销 ${p.node}：键和租约都已删除。`,
    notReleased: (p) =>
      `没能注销 ${p.node}；它的租约最迟 ${String(p.seconds)} 秒后到期，届时 etcd 会忘记它。`,
    overtaken: (p) =>
      `${p.node} 已被接管：另一个进程在租约 ${p.lease} 上注册了同一地址。本次注册先让位，等对方消失后再写回。`,
    regained: (p) => `${p.node} 重新由本进程注册。`,
    trouble: (p) => `与 etcd 的通信出了问题，继续重试：${p.reason}`,
  },
  logs: {
    none: (p) => `${p.member} 还没有日志。`,
  },
  version: {
    what: '程序',
    version: '版本',
    lab: '实验环境',
    outdated: (p) =>
      `etcd ${p.version} 早于 ${p.floor}（该系列第一个没有已公开安全缺陷的版本）。做实验无妨，不要用于生产。`,
  },
  etcdctl: {
    listTitle: '这里的 etcdctl 只访问本实验的集群，可用的子命令：',
    listEnd: 'etcdctl <子命令> --help 显示 etcdctl 自己的说明。',
    unknown: (p) =>
      `这里的 etcdctl 没有子命令“${p.name}”。${p.nearest === null ? '' : `是不是 ${p.nearest}？`}`,
    incomplete: (p) => `etcdctl ${p.name} 后面要跟其中之一：${p.choices}。`,
    unknownFlag: (p) =>
      `这里的 ${p.name} 没有选项 ${p.flag}。${p.nearest === null ? '' : `是不是 ${p.nearest}？`}`,
    notBoolean: (p) => `${p.flag} 的值是“${p.value}”，应为 true 或 false。`,
    choice: (p) => `${p.flag} 的值是“${p.value}”，应为其中之一：${p.choices}。`,
    duration: (p) =>
      `${p.flag} 的值是“${p.value}”，应为 500ms、3s 这样的时间，最长 ${String(p.seconds)}s。`,
    endpoint: (p) => `“${p.value}”不是你集群的成员。这里的 etcdctl 只能访问：${p.members}。`,
    peerUrl: (p) =>
      `“${p.value}”：实验集群的成员地址只能写成 unix://<名称>:<端口>，例如 unix://etcd4:2380，这样集群不会去连接别处。`,
    tooFew: (p) => `etcdctl ${p.name} 的参数不够：${p.usage}`,
    tooMany: (p) => `etcdctl ${p.name} 多了一个参数“${p.value}”。`,
    startsProgram: (p) =>
      `“${p.value}”：etcdctl ${p.name} 会用它启动一个程序，而这里不启动任何程序。去掉它，etcdctl ${p.name} <名称或键> 会一直运行到 Ctrl-C。`,
    dashKey: (p) => `“${p.value}”：这里不能监听以“-”开头的键，请改为监听它前面的前缀。`,
    refused: {
      file: '它会读写主机上的文件，而实验环境不提供文件',
      host: '它会连接别的主机；这里的集群已经设定好',
      program: '它会启动别的程序',
      load: '它会给多人共用的机器带来几分钟的负载',
      members: '它会去访问成员列表里的地址；去掉它即可，默认就会询问全部成员',
      shared: '这个集群是大家共用的，这样做会让其他人都用不了；需要的话，请找管理这个集群的人',
      output: '它输出的内容终端无法显示；请用 --write-out=json',
      debug: '它打印的是客户端内部信息；成员自己的日志用 logs <成员> 查看',
      completion: '这里按 Tab 就能补全子命令和选项',
      tls: '实验环境的连接是私有套接字，不使用 TLS',
      discovery: '它会去查询主机；这里的集群已经设定好',
    },
    notAllowed: (p) => `不允许 ${p.what}：${p.reason}。`,
    stdin: {
      value:
        'etcdctl put 没有给值时会从标准输入读取，而这里没有标准输入。请直接写出来：etcdctl put <键> <值>',
      txn: 'etcdctl txn 从标准输入读取请求，而这里没有标准输入。register 和 deregister 内部就使用事务，它们的效果用 logs 和 watch 可以看到。',
      interactive: '交互模式要读标准输入，而这里没有标准输入。',
      password: 'etcdctl 会从标准输入询问密码，而这里没有标准输入。请一次写全：--user 用户名:密码',
      newUser:
        'etcdctl 会从标准输入询问密码，而这里没有标准输入。请一次写全：etcdctl user add 用户名:密码，或者 --no-password',
      passwd:
        'etcdctl user passwd 会从标准输入询问密码，而这里没有标准输入。可以改用：etcdctl user delete <用户名>，再 etcdctl user add <用户名>:<密码>',
    },
    outputLimit: (p) =>
      `输出超过 ${p.limit}，etcdctl 已被结束。可以用 --limit、--keys-only 或更长的前缀缩小范围。`,
    endpointFlag: '要询问的成员名',
    flag: 'etcdctl 的选项',
  },
  complete: {
    leader: (p) => (p.member === null ? '当前的 leader' : `当前的 leader，现在是 ${p.member}`),
    follower: '任意一个 follower',
    instances: (p) => `${String(p.count)} 个实例`,
  },
  commands: {
    register: {
      summary: '注册一个服务实例',
      about: [
        '写入 /rpc/<服务>:<版本>/<地址> 并绑定租约。实验环境负责续约，键丢失后会重新写入，直到你注销它或实验结束。',
      ],
      aboutInProgram: [
        '写入 /rpc/<服务>:<版本>/<地址> 并绑定租约，然后一直运行、负责续约，键丢失后会重新写入。Ctrl-C 或 SIGTERM 会注销实例并撤销租约；再按一次 Ctrl-C 立即退出，此后租约到期，etcd 就忘记这个实例。',
      ],
      positionals: {
        service: '服务名；版本不是 1.0 时写在冒号后面',
        address: '服务提供者的主机和端口',
      },
      options: {
        version: '版本，代替冒号后面的写法',
        group: '分组，值里的一个字段',
        ttl: '无人续约时，etcd 过多少秒忘记这个实例',
        naive: '改问朴素注册中心，它带有原实现的全部缺陷',
      },
      examples: ['版本 1.0，TTL 30 秒', '版本 2.0，停止续约 10 秒后被遗忘'],
    },
    deregister: {
      summary: '注销一个服务实例',
      about: ['删除对应的键，不管是谁写的。如果是本实验注册的，就不再续约，也不会再被写回。'],
      aboutInProgram: ['删除对应的键，不管是谁写的。仍在别处运行的提供者会把自己的键写回来。'],
      positionals: { service: '服务名', address: '服务提供者的主机和端口' },
      options: {
        version: '版本，代替冒号后面的写法',
        naive: '改问朴素注册中心，它带有原实现的全部缺陷',
      },
      examples: ['注销版本 1.0 的实例'],
    },
    discover: {
      summary: '列出一个服务的实例',
      about: ['对前缀 /rpc/<服务>:<版本>/ 做一次线性一致读。'],
      positionals: { service: '服务名' },
      options: {
        version: '版本，代替冒号后面的写法',
        naive: '改问朴素注册中心，它带有原实现的全部缺陷',
      },
      examples: ['版本 1.0 的实例', '版本 2.0 的实例'],
    },
    services: {
      summary: '列出全部服务',
      about: [],
      positionals: {},
      options: {},
      examples: ['每个服务及其实例数'],
    },
    watch: {
      summary: '持续显示一个服务的变化，Ctrl-C 结束',
      about: ['先列出实例，再从列表的 revision 开始监听该前缀，既不遗漏也不重复。时间为 UTC。'],
      positionals: { service: '服务名' },
      options: { version: '版本，代替冒号后面的写法' },
      examples: ['在另一个终端里注册、注销，这里就能看到'],
    },
    provider: {
      summary: '启动会应答调用的提供者，以及杀掉、暂停、摘流',
      about: [
        '每个提供者都是独立的进程：在本机回环地址上打开一个端口，自己到 etcd 注册、自己续约，用自己的名字和一个计数应答调用。最多同时 10 个，随实验环境一起结束。',
      ],
      positionals: {
        action: '要做什么',
        target: 'start 后面写服务名；其余写提供者（p1 …）、地址、服务名或 all',
      },
      options: {
        count: 'start：启动几个',
        ttl: 'start：停止续约多少秒后被 etcd 遗忘',
        weight: 'start：权重，与其他实例相比分到多少调用',
      },
      examples: [
        '三个进程，各自注册',
        '谁在运行、在哪里、什么状态',
        '立刻结束一个，键还会留一阵',
        '有序结束一个服务的全部提供者',
      ],
    },
    call: {
      summary: '通过注册中心调用一个服务，加 --every 则一直调用到 Ctrl-C',
      about: [
        '先列出一次实例，再用 watch 跟随变化，所以每次调用都不会访问 etcd。摘流中的实例不再分到调用。只调用本实验启动的提供者。',
        '1 秒内没有应答的调用，会换一个实例重试一次。连接被拒绝时，重试总是对的；只是没等到应答时，调用可能已经执行，只有做两次也无妨的调用才能重试。',
      ],
      positionals: { service: '服务名' },
      options: {
        version: '版本，代替冒号后面的写法',
        count: '调用次数，省略为 1 次；有 --every 时省略则直到 Ctrl-C',
        every: '相邻两次调用开始的间隔（毫秒），省略则一次接一次',
        balance: '选谁：按权重随机、轮流、或欠应答最少的',
      },
      examples: ['调用一次', '每秒五次，避开慢的实例'],
    },
    cluster: {
      summary: '查看成员、角色、任期、revision 和法定多数',
      about: ['逐个询问每个成员；成员回答的是它自己认定的 leader。'],
      positionals: {},
      options: {},
      examples: ['谁是 leader，谁是 follower，谁不在了'],
    },
    kill: {
      summary: '杀掉一个成员（SIGKILL）并测量故障切换',
      about: [
        'leader 和 follower 在命令执行时才确定是谁。leader 消失后，每隔几毫秒询问一次每个幸存成员，直到有人说出新 leader，并打印两次应答之间的最长间隔；同时用探测写入测出何时恢复可写。',
      ],
      positionals: { target: '成员名（etcd1 …）、leader 或 follower' },
      options: {},
      examples: ['杀掉当前的 leader', '杀掉指定成员'],
    },
    stop: {
      summary: '正常停止一个成员（SIGTERM）',
      about: ['leader 停止前会先移交领导权：可以和 kill 的中断时间对比。'],
      positionals: { target: '成员名（etcd1 …）、leader 或 follower' },
      options: {},
      examples: ['leader 移交后退出', '停止指定成员'],
    },
    start: {
      summary: '启动一个没有运行的成员',
      about: ['成员恢复服务后才算完成，数据都还在。'],
      positionals: { target: '成员名（etcd1 …），省略则是所有等待恢复的成员' },
      options: {},
      examples: ['让没有运行的成员全部回来', '让 etcd1 回来'],
    },
    pause: {
      summary: '冻结一个成员（SIGSTOP）',
      about: ['进程和连接都还在，但不应答任何人，就像长时间 GC 或磁盘卡住。'],
      positionals: { target: '成员名（etcd1 …）、leader 或 follower' },
      options: {},
      examples: ['冻结当前的 leader', '冻结指定成员'],
    },
    resume: {
      summary: '让暂停的成员继续（SIGCONT）',
      about: [],
      positionals: { target: '成员名（etcd1 …），省略则是所有等待恢复的成员' },
      options: {},
      examples: ['让暂停的成员全部继续', 'etcd1 从停下的地方继续'],
    },
    logs: {
      summary: '查看成员最新的日志',
      about: [],
      positionals: { target: '成员名（etcd1 …）、leader 或 follower' },
      options: { lines: '行数' },
      examples: ['最新 20 行', '当前 leader 最新 100 行'],
    },
    lease: {
      summary: '列出租约，或查看一个租约及其键',
      about: [
        '租约就是心跳：没有续约，etcd 就删除绑定在它上面的所有键。ID 是十六进制，与 etcdctl 的显示一致。',
      ],
      positionals: { id: '租约 ID' },
      options: {},
      examples: ['全部租约及剩余时间'],
    },
    endpoints: {
      summary: '查看成员监听的位置',
      about: [],
      aboutInProgram: ['逐个询问每个端点；成员回答的是它自己认定的 leader。'],
      positionals: {},
      options: {},
      examples: ['每个成员及其状态'],
    },
    naive: {
      summary: '列出原注册中心的二十个缺陷',
      about: [
        '朴素注册中心的行为与原来的 Java 类一致，缺陷也一样。它与真正的注册中心并存于同一个集群，只和第一个成员通信。',
      ],
      positionals: {},
      options: {},
      examples: ['错在哪里，有什么症状'],
    },
    version: {
      summary: '查看这里运行的程序及其版本',
      about: [],
      positionals: {},
      options: {},
      examples: ['这里运行的是什么版本'],
    },
    explain: {
      summary: '查看一个实例由哪个键、revision 和租约而来',
      about: [
        '读取键和它的租约：etcd 里的原值、创建和最后修改时的 revision、租约还剩多少时间、有多少键共用它。',
      ],
      positionals: { service: '服务名', address: '服务提供者的主机和端口' },
      options: { version: '版本，代替冒号后面的写法' },
      examples: ['版本 1.0 的这个实例从何而来'],
    },
    snapshot: {
      summary: '显示整个注册中心在某个 revision 时的内容',
      about: [
        '对 /rpc/ 下的全部 key 做一次线性一致读：不管同时有什么写入，看到的 key 都属于同一个 revision。加 --rev 可以看当时的注册中心，只要 etcd 还没有压缩掉那个 revision。JSON 输出里还有 value，可以拿两份快照做对比。最多显示 10,000 个 key。',
      ],
      positionals: {},
      options: { rev: '更早的 revision，不写就是当前' },
      examples: ['全部实例，连同 revision 和租约', 'revision 120 时的注册中心'],
    },
    doctor: {
      summary: '检查注册中心有什么问题，并给出修复命令',
      about: [
        '查找 /rpc/ 下没有租约的键、消费者无法解析的值、格式之外的键、没有键或超过 1000 个键的租约、etcd 的告警，以及没有应答的成员。没有法定多数时，它仍会指出哪些成员没有应答、哪些内容读不到。它不做任何修改，最多检查 10000 个键和 1000 个租约。一切正常时退出码为 0，发现问题时为 1。',
      ],
      positionals: {},
      options: {},
      examples: ['列出每个问题及修复它的命令'],
    },
    completion: {
      summary: '输出让你的 shell 支持 Tab 补全的脚本',
      about: [
        '让 shell 的启动文件加载它的输出。bash 写在 ~/.bashrc，zsh 写在 ~/.zshrc 的 compinit 之后：source <(ming completion bash)，zsh 则把 bash 换成 zsh。fish 写在 config.fish：ming completion fish | source',
      ],
      positionals: { shell: '你用的 shell' },
      options: {},
      examples: ['用于 bash', '用于 zsh', '用于 fish'],
    },
    clear: {
      summary: '清屏',
      about: [],
      positionals: {},
      options: {},
      examples: ['清空屏幕，历史记录保留'],
    },
    help: {
      summary: '查看全部命令，或一条命令的说明和示例',
      about: [],
      positionals: { command: '命令名' },
      options: {},
      examples: ['全部命令', 'register 的选项和示例'],
    },
    etcdctl: {
      summary: '在你的集群上运行 etcd 自带的客户端',
      about: [
        '真正的 etcdctl，端点已经指向你的集群。会启动程序、读写文件、连接别的主机或等待标准输入的用法会被拒绝。',
      ],
      positionals: {},
      options: {},
      examples: ['看看注册中心写了什么', '每个成员一行状态', '这里可用的子命令'],
    },
  },
}
