import { describe, expect, it } from 'vitest'
import { createRedactor } from '../../src/values/redact.js'
import { cpuMsOf, leastBelow } from '../fixtures/cost.js'

/** Repeated, each of these tempts a pass to look at the rest of the text again and again. */
const UNITS = [
  ...['password: a ', 'password: the ', 'password=', "'password: ", "pwd:'", 'token=[', 'token:["', '["password",', '["token","', '("a",'],
  ...['"name":"password",', '"value":"a",', 'name="password" ', 'form-data; name="password"\n', 'name=token>', '{"name":"', '"key":'],
  ...[
    'sk-',
    'sk-a1',
    'eyJ-',
    'SG.',
    '12345678:AA',
    'M',
    'AKIA',
    '-----BEGIN PRIVATE KEY-----',
    'hooks.slack.com/services/',
    'key-',
    'xoxb-',
  ],
  ...['https://a:b', '://', '://a:', '://a:b/@', '@', '%3D', 'token%3D', '&token=', '%3A%2F%2Fa%3Ab'],
  ...[
    '<password>',
    '<a ',
    '</',
    '>a</a><b>',
    'curl ',
    ' -u a:b',
    'mysql -p',
    'login ',
    "identified by '",
    'insert into a (',
    '--password ',
    '--token=',
  ],
  ...[
    'Bearer ',
    'Basic a',
    'x; password=',
    'Authorization: ',
    '\nCookie: ',
    '\\nAuthorization: x',
    'token: |\n  a\n',
    'password is ',
    '\\',
    '\\"',
  ],
  ...['token=${', 'token=${a}', 'password=$a', 'token: <', '<pwd><![CDATA[', 'pwd="your-a'],
  ...['| password |', 'password - ', 'password – ', 'data:image/png;base64,', 'Aa1', '\ud800', ' ', '\n', ',', '='],
]
const redactor = createRedactor({ keys: ['email', /^x-/] }, ['hh-sentinel-key-8b1f2c77'], 'summary')

describe('S20 the built-in rules take linear time', () => {
  it.each(UNITS)('over %j', async (unit) => {
    const textOf = (chars: number): string => unit.repeat(Math.ceil(chars / unit.length))
    const [small, large] = [textOf(60_000), textOf(480_000)]
    redactor.text('name', small)
    // Eight times the text; a quadratic pass takes 64 times as long.
    const smallMs = cpuMsOf(() => redactor.text('name', small))
    const limitMs = 32 * Math.max(4, smallMs)
    expect(await leastBelow(limitMs, () => cpuMsOf(() => redactor.text('name', large)))).toBeLessThan(limitMs)
  })
})
