import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { RedactFunction } from '../../src/semantics/redaction.js'
import type { Plain } from '../../src/values/plain.js'
import { createRedactor } from '../../src/values/redact.js'
import { toSnapshot } from '../../src/values/snapshot.js'
import { cpuMsOf, leastBelow } from '../fixtures/cost.js'
import { checkPrototypesUntouched, hostileErrors, hostileValues, SENTINEL } from '../fixtures/hostile.js'

const MASK = '[REDACTED]'
const builtIn = createRedactor({}, [])

const isMasked = (name: string): boolean => (builtIn.value('inputs', { [name]: 'v' }) as Record<string, Plain>)[name] === MASK

describe('createRedactor', () => {
  it('S19 masks the built-in names in any spelling and as the end of a compound', () => {
    const names = [
      'password',
      'passwd',
      'passphrase',
      'secret',
      'client_secret',
      'api_key',
      'x-api-key',
      'access_key',
      'secret_key',
      'secret_access_key',
      'private_key',
      'access_token',
      'refresh_token',
      'id_token',
      'auth_token',
      'bearer',
      'session_token',
      'authorization',
      'proxy-authorization',
      'cookie',
      'set-cookie',
      'credential',
      'credentials',
      'token',
      'Password',
      'API_KEY',
      'apiKey',
      'ApiKey',
      'api key',
      'X-API-Key',
      'OPENAI_API_KEY',
      'db_password',
      'dbPassword',
      'AWS_SECRET_ACCESS_KEY',
      'Set-Cookie',
      'hf_token',
      'http.request.header.authorization',
      `${'x'.repeat(10_000)}_token`,
    ]
    expect(names.filter((name) => !isMasked(name))).toEqual([])
  })

  it('S19 leaves counts of tokens and ordinary names alone', () => {
    const names = [
      'max_tokens',
      'prompt_tokens',
      'total_tokens',
      'completion_tokens',
      'maxTokens',
      'time_to_first_token',
      'tokens',
      'token_count',
      'token_type',
      'tokenizer',
      'cost_per_token',
      'eos_token',
      'input_tokens',
      'password_policy',
      'secretary',
      'keyboard',
      'key',
      'author',
      'content',
      'role',
      'cookies_accepted',
      'llm.token_count.prompt',
    ]
    expect(names.filter(isMasked)).toEqual([])
  })

  it('S19 masks at any depth, whole subtrees included, and leaves null and the input alone', () => {
    const value = Object.freeze({
      a: [{ headers: { Authorization: 'Bearer x', accept: 'json' } }],
      credentials: { user: 'u', pass: ['p'] },
      token: null,
      password: 1234,
    })
    const before = JSON.stringify(value)
    expect(builtIn.value('inputs', value)).toEqual({
      a: [{ headers: { Authorization: MASK, accept: 'json' } }],
      credentials: MASK,
      token: null,
      password: MASK,
    })
    expect(JSON.stringify(value)).toBe(before)
  })

  it('S19 looks at every name of the path it is given', () => {
    expect(builtIn.value('config.api_key', 'sk')).toBe(MASK)
    expect(builtIn.value('credentials.user.name', 'u')).toBe(MASK)
    expect(builtIn.value('config.model', 'gpt')).toBe('gpt')
    expect(builtIn.text('exception.message', 'plain')).toBe('plain')
    // Nothing to hide, and a verdict of a test.
    expect(builtIn.value('config.api_key', null)).toBeNull()
    expect([builtIn.value('pass', true), builtIn.value('pass', 'abc')]).toEqual([true, MASK])
  })

  it('gives back the same object when nothing is masked', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.constantFrom('a', 'b', 'content'), fc.jsonValue()), (value) => {
        const redactor = createRedactor({ builtIn: false, keys: ['nowhere'] }, [])
        expect(redactor.value('inputs', value as Plain)).toBe(value)
      }),
    )
  })

  it('masks names of the user: text without case and punctuation, paths, expressions', () => {
    const redactor = createRedactor({ keys: ['Social-Security', 'user.email', /^x_/g, 'пароль'], replacement: '***' }, [])
    for (let i = 0; i < 3; i += 1) {
      expect(
        redactor.value('inputs', {
          social_security: 1,
          user: { email: 'e', name: 'n' },
          email: 'kept',
          x_a: 'b',
          ax_: 'c',
          Пароль: 'd',
          api_key: 'k',
        }),
      ).toEqual({
        social_security: '***',
        user: { email: '***', name: 'n' },
        email: 'kept',
        x_a: '***',
        ax_: 'c',
        Пароль: '***',
        api_key: '***',
      })
    }
  })

  it('knows names of the user in every spelling of their letters and words', () => {
    const keys = ['contraseña', 'Straße', 'पासवर्ड', 'kimlik no', 'tax number', 'date of birth', "date d'anniversaire", 'nationalId']
    const redactor = createRedactor({ keys }, [])
    const names = [
      ...['contraseña', 'contraseña'.normalize('NFD'), 'CONTRASEÑA', 'STRASSE', 'STRAẞE', 'strasse', 'पासवर्ड', 'KİMLİK NO', 'kimlikNo'],
      ...['taxNumber', 'tax_number', 'Tax Number', 'TAX-NUMBER', 'tax.number', 'dateOfBirth', 'date_of_birth', 'Date d’anniversaire'],
    ]
    for (const name of [...names, 'National ID']) expect(redactor.value('inputs', { [name]: 'x' }), name).toEqual({ [name]: MASK })
    const others = { contrasena: 'x', tax: { number: 'x' }, number: 'x', birth: 'x', nationalIdea: 'x' }
    expect(redactor.value('inputs', others)).toBe(others)
  })

  it('finds names of the user beside values in text: beyond ASCII, of several words, with dots', () => {
    const secret = 'Zx9qLm27TtRw4kPd'
    const keys = ['contraseña', 'пароль', '密码', 'Straße', 'credit card', 'dateOfBirth', "date d'anniversaire", 'user.address']
    const redactor = createRedactor({ keys }, [])
    const names = ['contraseña', 'contraseña'.normalize('NFD'), 'Пароль', '密码', 'STRASSE', 'credit card', 'Date of Birth', 'creditCard']
    for (const name of [...names, 'date of birth', 'Date d’anniversaire']) {
      const joined = name.replace(/[ ’]/g, '-')
      const setter = `set${joined.slice(0, 1).toUpperCase()}${joined.slice(1).replaceAll('-', '')}`
      const texts = [
        ...[`${name}: ${secret}`, `${name} : ${secret}`, `your ${name} = ${secret}`, `${name}：${secret}`, `**${name}**: ${secret}`],
        ...[`| ${name} | ${secret} |`, `the ${name} is ${secret}`, `Server=x;${name}=${secret};Db=1`, `["${name}","${secret}"]`],
        ...[`a=1&${encodeURIComponent(name)}=${secret}`, String(new URLSearchParams({ a: 'b', [name]: secret }))],
        ...[`https://h/?${encodeURIComponent(`x=y&${encodeURIComponent(name)}=${secret}`)}`, `<${joined}>${secret}</${joined}>`],
        ...[`cmd --${joined} ${secret}`, `cmd --${joined}=${secret}`, `person.${setter}("${secret}")`, JSON.stringify({ [name]: secret })],
        ...[`ENV ${joined.replaceAll('-', '_')} ${secret}`, JSON.stringify({ name, value: secret }), `{'${joined}': '${secret}'}`],
      ]
      for (const text of texts) expect(redactor.text('name', text), text).not.toContain(secret)
    }
    for (const text of [`user.address=${secret}`, `{"user.address":"${secret}"}`, `user[address]=${secret}`, `user%5Baddress%5D=${secret}`])
      expect(redactor.text('name', text), text).not.toContain(secret)
    expect(redactor.value('inputs', ['a', 'b', 'пароль', secret])).toEqual(['a', 'b', 'пароль', MASK])
    for (const text of ['bank card: blue', 'credit cards: two', '%D1%81лово=x', 'address=here', 'of birth: 5', 'list[address]=here'])
      expect(redactor.text('name', text)).toBe(text)
  })

  it('finds paths of the user in values, lists of them, and JSON text of any depth', () => {
    const redactor = createRedactor({ keys: ['user.e-mail', 'rows.1.id'] }, [])
    const email = 'me@x.test'
    const values: Plain[] = [
      { user: { email } },
      { user: [{ name: 'n', email }] },
      { user: { email: { work: [email] } } },
      { user: JSON.stringify({ id: 1, email }) },
      ...[{ user: { email } }, { a: [{ user: { id: '1,2', rest: { z: [1] }, E_Mail: email } }] }, { user: { email: [email] } }].flatMap(
        (value) => [
          JSON.stringify(value),
          JSON.stringify(value, undefined, 2),
          JSON.stringify({ body: JSON.stringify({ body: JSON.stringify(value) }) }),
          `it's "{" and failed: ${JSON.stringify(value)} at end`,
          JSON.stringify(value).slice(0, -4),
          JSON.stringify(value).replaceAll('"', "'"),
          JSON.stringify(value).replace(/"(\w+)":/g, '$1: '),
        ],
      ),
    ]
    for (const value of values) expect(JSON.stringify(redactor.value('inputs', value)), JSON.stringify(value)).not.toContain(email)
    expect(redactor.text('outputs', '{"user": {"id": 1, "email": "x", "more": [1]}}')).toBe(
      `{"user": {"id": 1, "email": "${MASK}", "more": [1]}}`,
    )
    expect(redactor.text('outputs', '{"rows":[{"id":1},{"id":2}]}')).toBe(`{"rows":[{"id":1},{"id":"${MASK}"}]}`)
    const others = ['{"users":{"email":"x"}}', '{"user":{"id":1},"email":"x"}', '{"email":"x"}', '{"user":{"email":null}}', 'user: {email']
    for (const text of others) expect(redactor.text('outputs', text)).toBe(text)
  })

  it('finds paths of the user in linear time', async () => {
    const redactor = createRedactor({ keys: ['user.email'], builtIn: false }, [])
    for (const unit of ['{', '{"', '{"user":', '{"user":{"email":', '{"a":"{', "{'", '{[', '{a:', '{\\"', '{:']) {
      const text = `{${unit.repeat(500_000 / unit.length)}`
      expect(await leastBelow(1_000, () => cpuMsOf(() => redactor.text('x', text))), unit).toBeLessThan(1_000)
    }
  })

  it('masks passwords of connection strings, whatever marks they hold, and what looks like one stays', () => {
    const passwords = ['hunter2', 'hunter', 'p@ss/w:rd#1', 's3cr?t&x', 'pa$$word!', '(weird)pw9', 'a%40b9', '{x}1[y]', 'pw,9x', 'Bär9!']
    const shapes: ((password: string) => string)[] = [
      (password) => `app:${password}@tcp(db.internal:3306)/shop?parseTime=true`,
      (password) => `sql.Open("mysql", "app:${password}@unix(/tmp/mysql.sock)/shop")`,
      (password) => JSON.stringify({ dsn: `DSN=app:${password}@tcp(db:3306)/` }),
      ...['amqp', 'redis', 'mongodb+srv', 'postgresql+asyncpg', 'jdbc:mysql', 'smtp'].map(
        (scheme) => (password: string) => `failed: ${scheme}://app:${password}@mq-1:5672/v: timeout`,
      ),
      (password) => `smtp://me@x.test:${password}@h:587`,
      (password) => `app:${password}1@/shop`,
      (password) => `sqlplus app/${password}@//db:1521/orcl`,
      (password) => `jdbc:oracle:thin:app/${password}@//db:1521/orcl`,
      (password) => `jdbc:mysql://db:3306/shop?user=app&password=${password}&ssl=true`,
      (password) => `jdbc:sqlserver://db:1433;databaseName=shop;user=app;password=${password};encrypt=true`,
      (password) => `host=db port=5432 dbname=shop user=app password=${password} sslmode=disable`,
      (password) => `Server=db;Database=shop;User Id=app;Password=${password};Encrypt=True`,
      (password) => `cache:6379,password=${password},ssl=True`,
    ]
    for (const shape of shapes) {
      for (const password of passwords) {
        const shown = builtIn.text('x', shape(password))
        for (const part of [password.slice(0, 5), password.slice(-5)]) expect(shown, shape(password)).not.toContain(part)
      }
    }
    for (const password of ["it's9", 'a"b9', 'a`b9']) expect(builtIn.text('x', `amqp://app:${password}@mq`)).toBe(`amqp://app:${MASK}@mq`)
    const harmless = [
      ...['https://host:443/@user', 'image app:latest@sha256:abc123', 'git@github.com:org/repo.git', 'import x from "alias:@/components"'],
      ...['npm i @scope/pkg@1.2.3', 'password = (a or b)', 'f(a=1, password=(x))', 'see http://[::1]:8080/@me', 'at 10:30@room:12'],
      ...['ssh -p 22 user@host:2222', 'pw: app:${PW}@tcp(db:3306)/x', 'app:password@tcp(localhost:3306)/test', 'key:value@version(1)'],
      ...['jdbc:sqlserver://db:1433;databaseName=shop;user=a@b', 'amqp://mq:5672 is down, ask me@x.test', 'npm:react@18.2.0/index?dev=1'],
      ...['sip:bob@host:5060', 'see user:guide@/docs', '@media:print@/x'],
    ]
    for (const text of harmless) expect(builtIn.text('x', text)).toBe(text)
    const beside = ['https://u:pw9@host.io/@scope/pkg', 'redis://:pw9@h1:1,redis://:pw9@h2:1', 'mongodb://u:pw9@h.io/db?x=a@b']
    for (const text of beside) expect(builtIn.text('x', text)).toBe(text.replaceAll('pw9', MASK))
  })

  it('masks the whole of a password in quotes or braces, spaces, semicolons and doubled quotes included', () => {
    const cases: readonly (readonly [text: string, shown: string])[] = [
      [`Server=db;Pwd='it''s my; secret';Db=x`, `Server=db;Pwd='${MASK}';Db=x`],
      [`Data Source=x;Password="a""b; c""";Encrypt=true`, `Data Source=x;Password="${MASK}";Encrypt=true`],
      ['jdbc:sqlserver://db;user=sa;password={my;}} secret};encrypt=true', `jdbc:sqlserver://db;user=sa;password=${MASK};encrypt=true`],
      ['Driver={ODBC 18};Uid=sa;Pwd={a b}', `Driver={ODBC 18};Uid=sa;Pwd=${MASK}`],
      [`mysql -h db -p'my secret phrase' shop`, `mysql -h db -p'${MASK}' shop`],
      ['sshpass -p "my secret phrase" ssh host', `sshpass -p "${MASK}" ssh host`],
      [`redis-cli -a 'my secret' ping`, `redis-cli -a '${MASK}' ping`],
      [`docker login -u me -p "it's mine" host`, `docker login -u me -p "${MASK}" host`],
      [`aws configure set aws_session_token 'my secret'`, `aws configure set aws_session_token '${MASK}'`],
    ]
    for (const [text, shown] of cases) expect(builtIn.text('x', text)).toBe(shown)
    const harmless = [
      `Server=db;Pwd='';Db="x""y"`,
      'mysql -h db -p shop',
      `mysql -p ' + name + '`,
      'Driver={ODBC 18};Server={a;b}',
      `login -p "" x`,
    ]
    for (const text of harmless) expect(builtIn.text('x', text)).toBe(text)
  })

  it('masks patterns of the user everywhere, without touching their state', () => {
    const sticky = /\d{4}/y
    sticky.lastIndex = 3
    const redactor = createRedactor({ patterns: [sticky, /[a-z]+@[a-z.]+/i], replacement: '$& <x>' }, [])
    expect(redactor.text('name', 'call 1234 or 5678, me@x.test')).toBe('call $& <x> or $& <x>, $& <x>')
    expect(redactor.value('inputs', ['a 1234', 1234])).toEqual(['a $& <x>', 1234])
    expect(sticky.lastIndex).toBe(3)
  })

  it('masks with any replacement, and secrets that begin like it', () => {
    const secret = 'Zx9qLm27TtRw4kPd'
    const texts = [
      `https://h/p?access_token=${secret}&page=2`,
      `API_KEY=${secret}`,
      `Authorization: Bearer ${secret}`,
      `postgres://app:${secret}@db/x`,
      `{"password":"${secret}"}`,
      `curl -u bob:${secret} https://x`,
      `<password>${secret}</password>`,
      `cmd --password ${secret}`,
      `the password is ${secret}`,
      `INSERT INTO users (password) VALUES ('${secret}')`,
    ]
    for (const replacement of ['', 'Z', 'Zx', '*', '$&', ' ', '"', '\\', '<b>', '[REDACTED]', 'x'.repeat(3_000)]) {
      const redactor = createRedactor({ replacement, keys: ['own'] }, [])
      for (const text of [...texts, `own=${secret}`]) expect(redactor.text('name', text), replacement).not.toContain(secret)
    }
  })

  it('masks what was masked no further, with replacements that mark it', () => {
    const texts = [
      'token: k3y-7qz works for me',
      'curl -u bob:k3y-7 https://x',
      '["--api-key=k3y-7qz","kept"]',
      'next=%3Ftoken%3Dk3y-7%26page%3D3',
    ]
    for (const replacement of ['[REDACTED]', '[MASKED]', '***', '(hidden)', '█████', '[was a secret]']) {
      const redactor = createRedactor({ replacement }, [])
      for (const text of texts) {
        const once = redactor.text('name', text)
        expect(once).not.toContain('k3y-7')
        expect(redactor.text('name', once)).toBe(once)
      }
    }
  })

  it('builtIn: false and redact: false turn the built-in names off', () => {
    expect(createRedactor({ builtIn: false }, []).value('p', { password: 'x' })).toEqual({ password: 'x' })
    const off = createRedactor(false, [])
    expect(off.isActive).toBe(false)
    expect(off.value('p', { password: 'x', text: '{"password":"x"}' })).toEqual({ password: 'x', text: '{"password":"x"}' })
  })

  it('S13 masks the own key wherever it stands, whatever the rules say', () => {
    for (const rules of [false, {}, { builtIn: false }, () => `again ${SENTINEL}`] as const) {
      const redactor = createRedactor(rules, [SENTINEL, ''])
      const shown = JSON.stringify([
        redactor.value('p', { a: [`x${SENTINEL}y${SENTINEL}`], b: JSON.stringify({ k: SENTINEL }) }),
        redactor.text('exception.stacktrace', `at ${SENTINEL}`),
      ])
      expect(shown).not.toContain(SENTINEL)
      expect(redactor.isActive).toBe(true)
    }
  })

  it('S13 masks the own key in its URL and JSON forms, and its beginning where a text was cut', () => {
    const key = 'a"b/c d+e=key'
    const redactor = createRedactor(false, [key])
    expect(redactor.text('x', `u?k=${encodeURIComponent(key)} ${JSON.stringify(key)}`)).toBe(`u?k=${MASK} "${MASK}"`)
    expect(redactor.text('x', `head ${key.slice(0, 7)}… [truncated, 999 characters]`)).toBe(`head ${MASK}… [truncated, 999 characters]`)
  })

  it('S13 masks the own key in what other writers make of it', () => {
    const key = 'hh/Abc+key=0123456789xyz'
    const base64 = (text: string): string => Buffer.from(text).toString('base64')
    const wrap = (text: string, chars: number, end: string): string => text.replace(new RegExp(`(.{${chars}})`, 'g'), `$1${end}`)
    const json = JSON.stringify({ key })
    const texts = [
      json.replaceAll('/', '\\/'),
      JSON.stringify(json.replaceAll('/', '\\/')),
      ...['\\u002B', '\\u002b'].map((plus) => json.replaceAll('+', plus)),
      json.replaceAll('/', '\\u002f').replaceAll('=', '\\u003D'),
      encodeURIComponent(key).replace(/%../g, (byte) => byte.toLowerCase()),
      encodeURIComponent(encodeURIComponent(key)),
      encodeURIComponent(base64(`user:${key}`)),
    ]
    for (let lead = 0; lead < 60; lead += 1) {
      const whole = 'p'.repeat(lead) + key
      texts.push(Buffer.from(`?>?${whole}`).toString('base64url'), JSON.stringify(base64(whole)).replaceAll('/', '\\/'))
      for (const chars of [64, 76]) {
        for (const end of ['\n', '\r\n'])
          texts.push(wrap(base64(whole), chars, end), JSON.stringify({ data: wrap(base64(whole), chars, end) }))
      }
    }
    const redactor = createRedactor(false, [key])
    // All but the bytes at both ends, whose characters hold bits of others.
    const parts = [0, 1, 2].map((lead) => base64('p'.repeat(lead) + key).slice(8, 20))
    for (const text of texts) {
      const shown = redactor.text('name', text)
      expect(shown).toContain(MASK)
      expect(shown).not.toMatch(/0123456789xyz/)
      for (const part of parts) expect(shown.replace(/\\[nr]|\s/g, '')).not.toContain(part)
    }
  })

  it('H61 masks secrets of an error: own fields, messages with JSON', () => {
    const error = Object.assign(new Error('denied: {"api_key": "k1", "model": "m"}'), {
      config: { headers: { authorization: 'Bearer k2' } },
    })
    const shown = JSON.stringify(builtIn.value('error', toSnapshot(error, { maxBytes: 100_000 }).value))
    expect(shown).not.toMatch(/k1|k2/)
    expect(shown).toContain('model')
  })

  it('F45 fails closed when the function of the user throws or returns something unreadable', () => {
    const answers: RedactFunction[] = [
      () => {
        throw new Error('broken')
      },
      () => undefined,
      () => Symbol('x'),
      () => () => 1,
      () => Promise.reject(new Error('late')),
      () =>
        new Proxy(
          {},
          {
            ownKeys: () => {
              throw new Error('trap')
            },
            getPrototypeOf: () => {
              throw new Error('trap')
            },
          },
        ),
    ]
    for (const answer of answers) {
      const shown = createRedactor(answer, []).value('p', { a: 'private', n: 5 })
      expect(JSON.stringify(shown)).not.toMatch(/private|5/)
    }
  })

  it('gives the function of the user every leaf with its path', () => {
    const seen: [string, unknown][] = []
    const redactor = createRedactor((path, value) => {
      seen.push([path, value])
      return path.endsWith('.b') ? { kept: [1] } : value
    }, [])
    expect(redactor.value('inputs', { a: 'x', list: [1, { b: true }], api_key: 'k', none: null })).toEqual({
      a: 'x',
      list: [1, { b: { kept: [1] } }],
      api_key: MASK,
      none: null,
    })
    expect(seen).toEqual([
      ['inputs.a', 'x'],
      ['inputs.list.0', 1],
      ['inputs.list.1.b', true],
      ['inputs.api_key', MASK],
    ])
    expect(redactor.text('name', 'span')).toBe('span')
    expect(redactor.text('message.b', 'span')).toBe('{"kept":[1]}')
  })

  it('S22 keeps __proto__ as a field', () => {
    const value = builtIn.value('p', JSON.parse('{"__proto__":{"password":"x"}}'))
    expect(JSON.stringify(value)).toBe('{"__proto__":{"password":"[REDACTED]"}}')
  })

  for (const { id, title, make, heavy } of [...hostileValues, ...hostileErrors]) {
    if (heavy === true) continue
    it(`${id} ${title}: passes through rules and functions`, () => {
      const check = checkPrototypesUntouched()
      const { value } = toSnapshot({ value: make() }, { maxBytes: 65_536 })
      for (const redactor of [builtIn, createRedactor((_, leaf) => leaf, [SENTINEL])]) JSON.stringify(redactor.value('p', value))
      check()
    })
  }
})

describe('references and placeholders', () => {
  const mask = (text: string): string => builtIn.text('name', text)

  it('stay where they are the whole value', () => {
    const texts = [
      ...['password=$PASSWORD', 'API_KEY=${API_KEY}', 'API_KEY=%API_KEY%', 'token: ${{ secrets.TOKEN }}', 'password=$env:DB_PASSWORD'],
      ...['api_key: <your-key>', 'api_key: {{ key }}', 'api_key: your-api-key', 'api_key=YOUR_API_KEY', 'password: [your password]'],
      ...[
        'password: "${DB_PASSWORD}"',
        'password: $this->password',
        "password = $_POST['password']",
        'api_key: $apiKey',
        'secret=#{secret}',
      ],
      ...['postgres://app:${DB_PASSWORD}@db/x', 'postgres://app:<password>@db/x', 'curl -u bob:$TOKEN https://x', 'mysql -p$MYSQL_PWD x'],
      ...['--password $PW', 'token: $(cat /run/secret)', 'auth: ${USER}:${PASSWORD}', 'password: ****1234', 'password: ******** (hidden)'],
      ...['<password>${env.PW}</password>', 'token=<TOKEN>&page=1', 'password=$PASSWORD\\nnext', 'Password:</td><td>click here'],
    ]
    for (const text of texts) expect(mask(text)).toBe(text)
  })

  it('hide no secret that begins like one', () => {
    const texts = [
      ...['API_KEY=${PREFIX}Zx9qLm27', 'X-Api-Key: $Zx9qLm27TtRw4kPd', 'DB_PASSWORD=$ecr3tZx9!2024', 'password: $ecr3tZx9!2024'],
      ...['postgres://app:$ecr3tZx9@db/x', 'curl -u bob:$Zx9qLm https://x', 'mysql -p$Zx9qLm27 x', '--password $Zx9qLm27'],
      ...['user=a&password=%C3%96sterreichZx9&page=1', 'https://h/?access_token=%E9%8D%B5Zx9qLm27', 'postgres://app:%C3%96Zx9@db/x'],
      ...[
        'password: {{x}}Zx9qLm',
        'secret=#{a}Zx9qLm27',
        'DB_PASSWORD=<3myCatZx9!',
        'password: <abc>Zx9qLm',
        'API_KEY=${API_KEY:-Zx9qLm27}',
      ],
      ...[
        'password: "${A}Zx9qLm"',
        'password: "your-Zx9qLm27"',
        "password = '***HiddenZx9'",
        'Password=..Zx9;Server=h',
        'password: xxx Zx9qLm27',
      ],
      ...['<password><![CDATA[<3myCatZx9!]]></password>', '<password>your-Zx9qLm27</password>', 'password is $Zx9qLm27'],
      'private_key: -----BEGIN PRIVATE KEY-----\nZx9qLm27\n-----END PRIVATE KEY-----',
    ]
    for (const text of texts) expect(mask(text)).not.toContain('Zx9')
  })
})

describe('JSON inside strings', () => {
  const mask = (text: string): string => builtIn.value('input.value', text) as string

  it('masks fields and leaves every other character as it is', () => {
    expect(mask('{"api_key": "sk-1", "n": 12345678901234567890,\n "ok":true}')).toBe(
      '{"api_key": "[REDACTED]", "n": 12345678901234567890,\n "ok":true}',
    )
    expect(mask('[{"password":12.5e3},{"token":null},{"secret":true}]')).toBe(
      '[{"password":"[REDACTED]"},{"token":null},{"secret":"[REDACTED]"}]',
    )
    expect(mask('{"credentials":{"a":"]}\\"","b":[1]},"c":1}')).toBe('{"credentials":"[REDACTED]","c":1}')
    expect(mask('{"pass\\u0077ord":"x","q":"a: \\"b\\""}')).toBe('{"pass\\u0077ord":"[REDACTED]","q":"a: \\"b\\""}')
    expect(mask('{"max_tokens":5}')).toBe('{"max_tokens":5}')
  })

  it('masks what cannot be parsed: cut off, in prose, with odd quotes', () => {
    expect(mask('{"a":1,"password":"abc')).toBe('{"a":1,"password":"[REDACTED]"')
    expect(mask('5" tall, got {"password" : "abc"} back')).toBe('5" tall, got {"password" : "[REDACTED]"} back')
    expect(mask('{"credentials":{"a":"b')).toBe('{"credentials":"[REDACTED]"')
  })

  it('puts a text in place of a number', () => {
    expect(mask('{"content":{"otp":123456}, "n":1}')).toBe('{"content":{"otp":"[REDACTED]"}, "n":1}')
    expect(mask('{"arguments":"{\\"otp\\":123456,\\"n\\":1}"}')).toBe('{"arguments":"{\\"otp\\":\\"[REDACTED]\\",\\"n\\":1}"}')
  })

  it('knows the level of a name that begins with a quote', () => {
    for (const levels of [0, 1, 2]) {
      const wrap = (value: unknown): string => {
        let text = JSON.stringify(value)
        for (let i = 0; i < levels; i += 1) text = JSON.stringify({ arguments: text })
        return text
      }
      expect(mask(wrap({ '"jwt': 1, n: 2, 'a\\password': 'x1y2' }))).toBe(wrap({ '"jwt': MASK, n: 2, 'a\\password': MASK }))
    }
  })

  it('takes the colon at the end of a name for a part of it', () => {
    expect(mask('{"Pwd:":null,"n":1}')).toBe('{"Pwd:":null,"n":1}')
    expect(mask('{"Pwd:":"abc123","n":1}')).toBe('{"Pwd:":"[REDACTED]","n":1}')
    expect(mask('sent password:":secret42" on')).not.toContain('secret42')
    expect(mask('{"a":"b", password:":secret42"}')).not.toContain('secret42')
  })

  it('takes no apostrophes or backticks of a JSON text for quotes around a name', () => {
    for (const value of [
      { '`': 0, 'x: "token"': '`:' },
      { "'": null, 'x: "token"': "':" },
      { c: { "'": null }, 'x: "token"': "':" },
    ]) {
      for (const text of [JSON.stringify(value), JSON.stringify({ arguments: JSON.stringify(value) })]) expect(mask(text)).toBe(text)
    }
    expect(mask(`{'the token': 'abcdef123456', 'n': 1}`)).toBe(`{'the token': '${MASK}', 'n': 1}`)
  })

  it('agrees with parsing, masking and writing again, at every depth of JSON in JSON', () => {
    const json = fc.jsonValue({ maxDepth: 4 })
    const names = fc.constantFrom('password', 'api_key', 'content', 'a"b', 'back\\slash', 'x: "token"')
    const data = fc.dictionary(names, fc.oneof(json, fc.dictionary(names, fc.oneof(json, fc.string()), { noNullPrototype: true })), {
      noNullPrototype: true,
    })
    fc.assert(
      fc.property(data, fc.integer({ min: 0, max: 3 }), (value, levels) => {
        let text = JSON.stringify(value)
        for (let i = 0; i < levels; i += 1) text = JSON.stringify({ arguments: text })
        let shown: unknown = JSON.parse(mask(text))
        for (let i = 0; i < levels; i += 1) shown = JSON.parse((shown as { arguments: string }).arguments)
        expectMasked(shown)
      }),
      { numRuns: 500 },
    )
  })

  function expectMasked(value: unknown): void {
    if (typeof value !== 'object' || value === null) return
    for (const [name, item] of Object.entries(value)) {
      if (name === 'password' || name === 'api_key') expect([MASK, null]).toContain(item)
      else expectMasked(item)
    }
  }
})

describe('S20 linear time', () => {
  const units = [
    'a',
    '1-',
    'eyJa',
    '"',
    '\\',
    '{',
    '}',
    '[',
    '\\"',
    '":',
    '"a":',
    '"password":',
    '"password":{',
    '"token":"',
    '": \\',
    ' ',
    '{"a":',
    '\ud800',
    'password',
    'api_key=',
  ]
  const redactor = createRedactor({ keys: ['email', /^x-/] }, [SENTINEL, 'aaaaaaaaaaaaaaab', '\\\\\\"'])
  /** Eight times the text; a quadratic pass takes 64 times as long. */
  const expectLinear = async (costOf: (chars: number) => number): Promise<void> => {
    costOf(125_000)
    const limitMs = 32 * Math.max(4, costOf(125_000))
    expect(await leastBelow(limitMs, () => costOf(1_000_000))).toBeLessThan(limitMs)
  }
  for (const unit of units) {
    it(`1 MB of ${JSON.stringify(unit)}, alone and with a colon`, async () => {
      const textOf = (chars: number): string => unit.repeat(Math.floor(chars / unit.length))
      const forms: ((text: string) => string)[] = [
        (text) => text,
        (text) => `{"k":1,"s":"${text}`,
        (text) => `"password":${text}`,
        (text) => `${text}:`,
      ]
      for (const toWhole of forms) {
        await expectLinear((chars) => {
          const whole = toWhole(textOf(chars))
          return cpuMsOf(() => {
            redactor.text('name', whole)
            redactor.value('inputs', { whole })
          })
        })
      }
    })
  }

  it('takes a 1 MB field name', async () => {
    await expectLinear((chars) =>
      cpuMsOf(() => {
        builtIn.value('p', { ['_-'.repeat(chars / 2)]: 'x' })
        builtIn.value(`p${'.a'.repeat(chars / 10)}`, 'x')
      }),
    )
  })
})

describe('what is remembered of texts', () => {
  it('changes no verdict: the same text gives the same twice, in between thousands of others', () => {
    const redactor = createRedactor({}, [])
    const text = (path: string, one: string): string => redactor.text(path, one)
    const given = [
      'sk-proj-abcdefghijklmnopqrstuvwxyz012345',
      'password: hunter2!',
      'what is an otter?',
      'Bearer abcdefghijklmnop1234',
      'gpt-4.1',
    ]
    const first = given.map((one) => text('path', one))
    for (let i = 0; i < 3_000; i++) expect(text('path', `text ${i}`)).toBe(`text ${i}`)
    for (let round = 0; round < 3; round++) expect(given.map((one) => text('path', one))).toEqual(first)
    expect(first.filter((shown, i) => shown === given[i])).toEqual(['what is an otter?', 'gpt-4.1'])
  })

  it('holds for long texts too, more of them than are kept', () => {
    const redactor = createRedactor({}, [])
    const prose = 'the otter floats on its back and opens shells with a stone. '.repeat(100)
    const secret = `${prose}password: hunter2! ${prose}`
    const shown = redactor.text('path', secret)
    expect(shown).toBe(`${prose}password: [REDACTED] ${prose}`)
    for (let i = 0; i < 400; i++) {
      expect(redactor.text('path', `${i} ${prose}`)).toBe(`${i} ${prose}`)
      if (i % 100 === 0) expect(redactor.text('path', secret)).toBe(shown)
    }
  })

  it('makes a long text that comes again cheap', async () => {
    const redactor = createRedactor({}, [])
    const texts = Array.from({ length: 40 }, (_, i) => `${i} the otter floats on its back and opens shells with a stone. `.repeat(200))
    const cost = (): number => cpuMsOf(() => texts.map((text) => redactor.text('path', text)))
    const limitMs = cost() / 3
    expect(await leastBelow(limitMs, cost)).toBeLessThan(limitMs)
  })

  it('is of one set of rules: a text that others let pass is masked by those of a tracer', () => {
    const [usual, own, keyed] = [createRedactor({}, []), createRedactor({ patterns: [/otter/] }, []), createRedactor({}, ['an otter'])]
    for (let round = 0; round < 2; round++) {
      expect(usual.text('path', 'what is an otter?')).toBe('what is an otter?')
      expect(own.text('path', 'what is an otter?')).toBe('what is an [REDACTED]?')
      expect(keyed.text('path', 'what is an otter?')).toBe('what is [REDACTED]?')
    }
  })
})

describe("the tracer's own key beside a replacement of the user's", () => {
  it('gives way to that in text and values, and to the usual one in labels, which travel as headers', () => {
    const redactor = createRedactor({ replacement: '<gone>' }, ['own-key-1234567'])
    expect(redactor.text('error', 'with own-key-1234567')).toBe('with <gone>')
    expect(redactor.value('inputs', { note: 'with own-key-1234567' })).toEqual({ note: 'with <gone>' })
    expect(redactor.label('with own-key-1234567')).toBe('with [REDACTED]')
  })
})

describe('bytes that `toJSON` of a Buffer made a field of', () => {
  it('become a summary, or stay where media are kept', () => {
    const bytes = JSON.parse(JSON.stringify(Buffer.from('some bytes'))) as Plain
    expect(createRedactor({}, [], 'summary').value('inputs', { bytes })).toEqual({
      bytes: expect.stringMatching(/^\[Buffer 10 bytes, sha256/),
    })
    expect(createRedactor({}, [], 'keep').value('inputs', { bytes })).toEqual({ bytes })
  })
})

it('leaves a picture in base64 beside its type where media are kept', () => {
  const png = Buffer.concat([Buffer.from('89504e470d0a1a0a', 'hex'), Buffer.alloc(300, 7)]).toString('base64')
  const source = { type: 'base64', media_type: 'image/png', data: png }
  expect(createRedactor({}, [], 'keep').value('inputs', { source })).toEqual({ source })
  expect(JSON.stringify(createRedactor({}, [], 'summary').value('inputs', { source }))).not.toContain(png)
})

it('masks the literals in the schema of a secret, and nothing else of it', () => {
  const password = { type: 'string', description: 'at least 8', default: 'hunter2-hunter2' }
  const schema = { type: 'object', properties: { password } }
  expect(createRedactor({}, []).value('config', schema)).toEqual({
    type: 'object',
    properties: { password: { ...password, default: '[REDACTED]' } },
  })
  const plain = { type: 'string', description: 'at least 8' }
  expect(createRedactor({}, []).value('config', { password: plain })).toEqual({ password: plain })
})

it('masks the own key in names of fields as well, each name kept apart and with its value', () => {
  const redactor = createRedactor({}, ['own-key-1234567', 'own-key-7654321'])
  const value = { 'of own-key-1234567': 1, 'of own-key-7654321': 2, other: 3 }
  const shown = redactor.value('inputs', value) as Record<string, unknown>
  expect(Object.values(shown)).toEqual([1, 2, 3])
  expect(Object.keys(shown)).toEqual(['of [REDACTED]', expect.stringMatching(/^of \[REDACTED\]./), 'other'])
  expect(redactor.value('inputs', { other: value.other })).toEqual({ other: 3 })
})
