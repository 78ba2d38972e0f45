import type {
  FoundProblem,
  InstanceField,
  InstanceProblem,
  InstanceRefusal,
} from '../../registry/instance-problem.ts'
import { makeVisibleInline } from '../sanitize.ts'

const fields: Readonly<Record<InstanceField, string>> = {
  name: '服务名',
  version: '版本',
  host: '主机',
  port: '端口',
  group: '分组',
  ttl: '有效时间（TTL）',
}

const quote = (text: string) => `“${makeVisibleInline(text)}”`

/** 服务、地址或实例为什么被拒绝，应当怎么写。 */
export function describeRefusal({ subject, text, problems }: InstanceRefusal): string {
  const why = problems.map(describeProblem).join('；')
  switch (subject) {
    case 'service':
      return `${quote(text)}不是有效的服务写法：${why}。应写成 <服务名>:<版本> 或 <服务名>，例如 UserService:1.0。`
    case 'address':
      return `${quote(text)}不是有效的地址：${why}。应写成 <主机>:<端口>，例如 127.0.0.1:8080 或 [::1]:8080。`
    case 'instance':
      return `没有注册：${why}。`
  }
}

function describeProblem(problem: InstanceProblem): string {
  switch (problem.kind) {
    case 'not-text':
      return `${fields[problem.field]}应为文本，${describeFound(problem)}`
    case 'empty':
      return `${fields[problem.field]}不能为空`
    case 'too-long':
      return `${fields[problem.field]}有 ${String(problem.length)} 个字符，最多 ${String(problem.max)} 个`
    case 'invisible':
      return `${fields[problem.field]}里有 ${problem.character}，而这里不允许空白和不可见字符`
    case 'separator':
      return `${fields[problem.field]}${quote(problem.value)}里不能有“${problem.separator}”，键要靠它分隔各个部分`
    case 'not-ipv4':
      return `主机${quote(problem.value)}不是有效的 IPv4 地址，正确的写法如 10.0.0.7`
    case 'not-ipv6':
      return `主机${quote(problem.value)}不是有效的 IPv6 地址，应放在方括号里，如 [::1]`
    case 'not-host':
      return `主机${quote(problem.value)}无效，应为主机名（由字母、数字、“-”、“_”和“.”组成）、IPv4 地址，或放在方括号里的 IPv6 地址`
    case 'not-in-range': {
      const unit = problem.field === 'ttl' ? '秒数，取' : ''
      return `${fields[problem.field]}应为${unit} ${String(problem.min)} 到 ${String(problem.max)} 之间的整数，${describeFound(problem)}`
    }
    case 'many-colons':
      return '冒号多于一个'
    case 'half-service':
      return '服务名和版本缺一不可'
    case 'url':
      return '这里不写“http://”，也不带路径'
    case 'bare-ipv6':
      return 'IPv6 地址要先放进方括号，再写端口'
    case 'no-port':
      return '缺少端口号'
    case 'not-port':
      return `端口应为 ${String(problem.min)} 到 ${String(problem.max)} 之间的整数`
    case 'reserved':
      return `extra 里有 ${makeVisibleInline(problem.names)}，而存储格式已定义的字段不能放在 extra 里`
    case 'too-large':
      return `要写入的值有 ${String(problem.bytes)} 字节，最多 ${String(problem.max)} 字节`
    case 'not-json':
      return `${makeVisibleInline(problem.path)} 的值无法用 JSON 表示`
    case 'too-deep':
      return `${makeVisibleInline(problem.path)} 嵌套太深，最多 ${String(problem.max)} 层`
  }
}

function describeFound({ type, value }: FoundProblem): string {
  switch (type) {
    case 'undefined':
      return '但没有给出'
    case 'null':
      return '而这里是 null'
    case 'string':
      return `而这里是文本${quote(value)}`
    case 'number':
    case 'bigint':
      return `而这里是 ${value}`
    default:
      return `而这里是 ${type} 类型的值`
  }
}
