/*
 * Secrets that are told by their own looks. Which formats are common, and how long their parts are, was read in the makers'
 * documentation. A try costs no more than the text it covers, and starts only where a word does.
 */
import { NativeMap } from '../../natives.js'
import { TextCuts } from './text-cuts.js'

/** One way a secret can look. */
export interface SecretFormat {
  /** What the secret is, for people. */
  readonly name: string
  /** A made-up beginning, for people. */
  readonly looks: string
  /** Tried at a place where {@link SECRET_BEGINNING} was found. */
  readonly expression: RegExp
}

function format(name: string, looks: string, expression: RegExp): SecretFormat {
  return { name, looks, expression: new RegExp(expression.source, 'y') }
}

/** The known formats, those of one beginning from the narrow to the wide. */
export const SECRET_FORMATS: readonly SecretFormat[] = [
  format('private key (PEM, OpenSSH, PGP)', '-----BEGIN … PRIVATE KEY-----', /-----BEGIN [A-Z0-9 ]{0,32}PRIVATE KEY(?: BLOCK)?-----/),
  format(
    'JSON Web Token',
    'eyJ….eyJ….…',
    /eyJ[\w-]{8,}(?:\.|%2[eE])(?:eyJ[\w-]{4,}|[\w-]*(?:\.|%2[eE])[\w-]*(?:\.|%2[eE])[\w-]*)(?:\.|%2[eE])[\w-]*/,
  ),
  format(
    'OpenAI, Anthropic, OpenRouter, DeepSeek, Langfuse key',
    'sk-…, sk-ant-…, sk-proj-…, sk-or-v1-…, sk-lf-…',
    /sk-(?=[\w-]{0,40}(?:\d|[A-Z]))[A-Za-z0-9][\w-]{15,}/,
  ),
  format(
    'Groq, xAI, Perplexity, Replicate, NVIDIA, Cerebras, Tavily, Pinecone key',
    'gsk_…, xai-…, pplx-…, r8_…, nvapi-…, csk-…, tvly-…, pcsk_…',
    /(?:gsk_|xai-|pplx-|r8_|nvapi-|csk-|tvly-|pcsk_)(?=[\w-]{0,40}\d)[\w-]{20,}/,
  ),
  format('Hugging Face token', 'hf_…', /(?:hf|api_org)_[A-Za-z0-9]{30,}/),
  format('LangSmith, Logfire, E2B key', 'lsv2_pt_…, pylf_v1_…, e2b_…', /(?:lsv2_(?:pt|sk)_[\w]{20,}|pylf_v\d_[\w]{16,}|e2b_[a-f0-9]{20,})/),
  format('AWS access key id', 'AKIA…, ASIA…', /(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}(?![A-Z0-9])/),
  format('AWS Bedrock key', 'ABSK…', /ABSK[A-Za-z0-9+/]{40,}={0,2}/),
  format(
    'Google API key, OAuth token and client secret',
    'AIza…, ya29.…, GOCSPX-…',
    /(?:AIza[\w-]{35}|ya29\.[\w-]{20,}|GOCSPX-[\w-]{20,})/,
  ),
  format('Azure (Entra) client secret', '…8Q~…', /[\w~.-]{3}8Q~[\w~.-]{31,40}/),
  format('GitHub token', 'ghp_…, gho_…, ghu_…, ghs_…, ghr_…, github_pat_…', /(?:gh[pousr]_[A-Za-z0-9]{30,}|github_pat_\w{22,})/),
  format('GitLab token', 'glpat-…, gldt-…, glrt-…, glptt-…, glcbt-…', /gl(?:pat|dt|rt|ptt|cbt|oas|soat|ft|imt|agent|rtr)-[\w.-]{16,}/),
  format(
    'npm, PyPI, RubyGems, crates.io, NuGet, Docker Hub token',
    'npm_…, pypi-…, rubygems_…, cio…, oy2…, dckr_pat_…',
    /(?:npm_[A-Za-z0-9]{30,}|pypi-[\w-]{50,}|rubygems_[a-f0-9]{40,}|cio[A-Za-z0-9]{32}(?![A-Za-z0-9])|oy2[a-z0-9]{43}(?![a-z0-9])|dckr_(?:pat|oat)_[\w-]{20,})/,
  ),
  format('Slack token', 'xoxb-…, xoxp-…, xapp-…', /(?:xox[a-z](?:\.xox[a-z])?-|xapp-)[A-Za-z0-9-]{10,}/),
  format(
    'Slack, Discord, Teams webhook',
    'https://hooks.slack.com/services/…, discord.com/api/webhooks/…',
    /(?:hooks\.slack\.com\/(?:services|workflows|triggers)\/[\w/-]{10,}|discord(?:app)?\.com\/api\/webhooks\/\d{5,}\/[\w-]{10,}|webhook\.office\.com\/webhookb2\/[\w@/-]{20,})/,
  ),
  format(
    'Discord and Telegram bot token',
    '…(24).…(6).…(27), …:AA…',
    /(?:[MNO][\w-]{23,27}\.[\w-]{6}\.[\w-]{27,45}(?![\w-])|\d{8,10}:AA[\w-]{32,36}(?![\w-]))/,
  ),
  format(
    'Stripe key and webhook secret',
    'sk_live_…, rk_live_…, sk_test_…, whsec_…',
    /(?:[sr]k_(?:live|test|prod)_[A-Za-z0-9]{10,}|whsec_[A-Za-z0-9+/=]{16,})/,
  ),
  format(
    'Square, PayPal, Shopify key',
    'sq0csp-…, access_token$production$…, shpat_…',
    /(?:sq0[a-z]{3}-[\w-]{20,}|access_token\$(?:production|sandbox)\$[a-z0-9$]{20,}|shp(?:at|ca|pa|ss|tka)_[a-fA-F0-9]{32,})/,
  ),
  format(
    'Twilio, SendGrid, Mailgun, Resend, Brevo key',
    'SK…, SG.….…, key-…, re_…, xkeysib-…',
    /(?:SK[0-9a-f]{32}(?![0-9a-f])|SG\.[\w-]{16,}\.[\w-]{16,}|key-[0-9a-f]{32}(?![0-9a-f])|re_[A-Za-z0-9]{8,}_[A-Za-z0-9]{16,}|xkeysib-[a-f0-9]{40,}[\w-]*)/,
  ),
  format(
    'DigitalOcean, Heroku, Netlify, Supabase, PlanetScale, Neon, Fly, Databricks token',
    'dop_v1_…, HRKU-…, nfp_…, sbp_…, sb_secret_…, pscale_tkn_…, napi_…, FlyV1 …, dapi…',
    /(?:do[opr]_v1_[a-f0-9]{40,}|HRKU-[\w-]{30,}|nfp_[A-Za-z0-9]{30,}|sbp_[a-f0-9]{36,}|sb_secret_[\w-]{20,}|pscale_(?:tkn|pw|oauth)_[\w.-]{30,}|napi_[a-z0-9]{40,}|FlyV1 \S{20,}|dapi[a-f0-9]{32}(?:-\d+)?)/,
  ),
  format(
    'Vault, Terraform, Pulumi, Doppler, 1Password, age key',
    'hvs.…, ….atlasv1.…, pul-…, dp.pt.…, ops_eyJ…, AGE-SECRET-KEY-1…',
    /(?:hv[sbr]\.[\w-]{20,}|[A-Za-z0-9]{14}\.atlasv1\.[\w-]{40,}|pul-[a-f0-9]{40}|dp\.(?:pt|st|ct|sa|scim|audit)\.[\w.-]{30,}|ops_eyJ[\w+/=-]{40,}|AGE-SECRET-KEY-1[A-Z0-9]{50,})/,
  ),
  format(
    'Sentry, Grafana, New Relic, PostHog key',
    'sntrys_…, sntryu_…, glsa_…, glc_…, NRAK-…, phx_…',
    /(?:sntry[su]_[\w+/=-]{30,}|glsa_[\w]{30,}|glc_[\w+/=]{30,}|NRAK-[A-Z0-9]{20,}|NRJS-[a-f0-9]{19}|phx_[A-Za-z0-9]{30,})/,
  ),
  format(
    'Atlassian, Bitbucket, Linear, Notion, Figma, Airtable, Postman, Typeform token',
    'ATATT3…, ATBB…, lin_api_…, ntn_…, secret_…, figd_…, pat….…, PMAK-…, tfp_…',
    /(?:ATATT3[\w=-]{40,}|ATBB[A-Za-z0-9]{28,}|lin_(?:api|oauth)_[A-Za-z0-9]{30,}|ntn_[A-Za-z0-9]{40,}|secret_[A-Za-z0-9]{43}(?![A-Za-z0-9])|figd_[\w-]{30,}|pat[A-Za-z0-9]{14}\.[a-f0-9]{64}|PMAK-[a-f0-9]{20,}-[a-f0-9]{30,}|tfp_[\w.=-]{40,})/,
  ),
  format(
    'Dropbox, Facebook, Mapbox, Contentful, CircleCI, Buildkite, SonarQube token',
    'sl.…, EAA…, sk.eyJ…, CFPAT-…, CCIPAT_…, bkua_…, squ_…',
    /(?:sl\.[\w-]{60,}|EAA[A-Za-z0-9]{60,}|sk\.eyJ[\w-]{20,}\.[\w-]{10,}|CFPAT-[\w-]{40,}|CCIPAT_[\w]{20,}|bkua_[a-f0-9]{36,}|sq[upa]_[a-f0-9]{40})/,
  ),
]

/** A cheap first look: every format begins with one of these. */
const SECRET_BEGINNING = new RegExp(
  [
    'eyJ|sk-|gsk_|xai-|pplx-|r8_|nvapi-|csk-|tvly-|pcsk_|hf_|api_org_|lsv2_|pylf_v|e2b_|A[KSB]IA|ACCA|ABSK|AIza|ya29\\.|GOCSPX-|8Q~',
    'gh[pousr]_|github_pat_|gl(?:pat|dt|rt|ptt|cbt|oas|soat|ft|imt|agent|rtr)-|npm_|pypi-|rubygems_|cio[A-Za-z0-9]{32}|oy2[a-z0-9]{43}|dckr_',
    'xox[a-z][-.]|xapp-|hooks\\.slack\\.com|discord(?:app)?\\.com\\/api|webhook\\.office\\.com|[MNO][\\w-]{23,27}\\.[\\w-]{6}\\.|\\d{8,10}:AA',
    '[sr]k_(?:live|test|prod)_|whsec_|sq0[a-z]{3}-|access_token\\$|shp(?:at|ca|pa|ss|tka)_|SK[0-9a-f]{32}|SG\\.|key-[0-9a-f]{32}|re_[A-Za-z0-9]{8}|xkeysib-',
    'do[opr]_v1_|HRKU-|nfp_|sbp_|sb_secret_|pscale_|napi_|FlyV1 |dapi[a-f0-9]{32}|hv[sbr]\\.|\\.atlasv1\\.|pul-[a-f0-9]{40}|dp\\.[a-z]{2,5}\\.|ops_eyJ|AGE-SECRET',
    'sntry[su]_|glsa_|glc_|NRAK-|NRJS-|phx_|ATATT3|ATBB|lin_(?:api|oauth)_|ntn_|secret_[A-Za-z0-9]{43}|figd_|pat[A-Za-z0-9]{14}\\.|PMAK-|tfp_',
    'sl\\.[\\w-]{60}|EAA[A-Za-z0-9]{60}|sk\\.eyJ|CFPAT-|CCIPAT_|bkua_|sq[upa]_',
  ].join('|'),
  'g',
)

/** How far before its beginning such a secret starts. */
const HEADS: ReadonlyMap<string, number> = new NativeMap([
  ['8Q~', 3],
  ['.atlasv1.', 14],
])
const WORD_CHAR = /[A-Za-z0-9_-]/
const ESCAPE_BEFORE = /(?:\\[nrtbfv]|\\u[0-9A-Fa-f]{4}|%[0-9A-Fa-f]{2})$/
const PEM_BEGIN = '-----BEGIN '
const PEM_HEAD = /-----BEGIN [A-Z0-9 ]{0,32}PRIVATE KEY(?: BLOCK)?-----/y
const PEM_END = '-----END '
const PEM_END_CHARS = 64

/** `text` with `replacement` in place of everything that looks like one of {@link SECRET_FORMATS}. */
export function maskFormats(text: string, replacement: string): string {
  const cuts = new TextCuts(text)
  if (text.includes(PEM_BEGIN)) cutBlocks(text, cuts, replacement)
  for (let run = nextRun(text, 0); run !== undefined; run = nextRun(text, run.to)) {
    if (run.to > cuts.end) cutSecrets(text, Math.max(cuts.end, run.from - LONGEST_HEAD_CHARS), run.to, cuts, replacement)
  }
  return cuts.finish()
}

function cutBlocks(text: string, cuts: TextCuts, replacement: string): void {
  for (let at = text.indexOf(PEM_BEGIN); at !== -1; at = text.indexOf(PEM_BEGIN, at + 1)) {
    PEM_HEAD.lastIndex = at
    if (at >= cuts.end && PEM_HEAD.test(text)) cuts.add(at, endOfPem(text, PEM_HEAD.lastIndex), replacement)
  }
}

/** Looks for secrets that begin between `first` and `end`. */
function cutSecrets(text: string, first: number, end: number, cuts: TextCuts, replacement: string): void {
  const part = text.slice(first, end)
  SECRET_BEGINNING.lastIndex = 0
  for (let found = SECRET_BEGINNING.exec(part); found !== null; found = SECRET_BEGINNING.exec(part)) {
    const from = first + found.index - (HEADS.get(found[0]) ?? 0)
    const to = from < cuts.end || !isWordStart(text, from) ? -1 : endOfSecret(text, from)
    if (to !== -1) cuts.add(from, to, replacement)
    SECRET_BEGINNING.lastIndex = Math.max(to - first, found.index + 1)
  }
}

/** Every secret has this many characters of words in a row, and prose has not: looking at each 16th character finds them. */
const RUN_CHARS = 16
/** From the beginning of a secret to its longest run. */
const LONGEST_HEAD_CHARS = 64

/** The next run of at least {@link RUN_CHARS} characters that words and base64 are made of. */
function nextRun(text: string, start: number): { readonly from: number; readonly to: number } | undefined {
  for (let at = start + RUN_CHARS - 1; at < text.length; at += RUN_CHARS) {
    if (!isRunCode(text.charCodeAt(at))) continue
    let from = at
    while (from > start && isRunCode(text.charCodeAt(from - 1))) from -= 1
    let to = at + 1
    while (to < text.length && isRunCode(text.charCodeAt(to))) to += 1
    if (to - from >= RUN_CHARS) return { from, to }
    at = Math.max(at, to - 1)
  }
  return undefined
}

// A-Z a-z 0-9 _ - + / =
function isRunCode(code: number): boolean {
  return (
    (code >= 97 && code <= 122) ||
    (code >= 65 && code <= 90) ||
    (code >= 45 && code <= 57 && code !== 46) ||
    code === 95 ||
    code === 43 ||
    code === 61
  )
}

/** In escaped text the letter of an escape stands right before: `\nghp_…`, `%3Dghp_…`. */
function isWordStart(text: string, from: number): boolean {
  return from === 0 || !WORD_CHAR.test(text[from - 1] ?? '') || ESCAPE_BEFORE.test(text.slice(Math.max(0, from - 6), from))
}

function endOfSecret(text: string, from: number): number {
  for (const { expression } of SECRET_FORMATS) {
    expression.lastIndex = from
    if (expression.test(text)) return expression.lastIndex
  }
  return -1
}

/** The end of the block; of the text where it was cut off. */
function endOfPem(text: string, from: number): number {
  const end = text.indexOf(PEM_END, from)
  if (end === -1) return text.length
  const close = text.indexOf('-----', end + PEM_END.length)
  return close === -1 || close > end + PEM_END_CHARS ? end + PEM_END.length : close + 5
}
