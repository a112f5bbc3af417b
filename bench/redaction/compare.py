# What other tracing packages mask by default, on the corpus of test/redaction. From the root of the repository:
#   npx tsx bench/redaction/samples.ts > samples.json
#   python3 -m venv env && env/bin/pip install logfire langfuse langsmith opentelemetry-sdk
#   env/bin/python bench/redaction/compare.py samples.json
# Each package runs with its defaults and hands its spans to memory, or to a server of this process; nothing leaves the machine.
import datetime, http.server, json, sys, threading, uuid
samples = json.load(open(sys.argv[1]))

def rates(shown):
    secrets = hits = harmless = alarms = 0
    for sample, text in zip(samples, shown):
        plain = json.dumps(sample['value'], ensure_ascii=False, separators=(',', ':'))
        readable = lambda part: part in text or json.dumps(part, ensure_ascii=False)[1:-1] in text
        if sample['secrets']:
            secrets += len(sample['secrets']); hits += sum(not readable(s) for s in sample['secrets'])
        else:
            harmless += 1; alarms += plain not in text
    return f'{hits} of {secrets} | {alarms} of {harmless}'

from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
dump = lambda v: json.dumps(v, ensure_ascii=False, separators=(',', ':'))

def with_logfire():
    import logfire
    memory = InMemorySpanExporter()
    logfire.configure(send_to_logfire=False, console=False, additional_span_processors=[SimpleSpanProcessor(memory)])
    shown = []
    for s in samples:
        memory.clear()
        logfire.info('sample', given=s['value'])
        value = memory.get_finished_spans()[0].attributes['given']
        try: parsed = json.loads(value) if not isinstance(s['value'], str) else value
        except Exception: parsed = value
        shown.append(dump(parsed))
    return shown

def with_langfuse():
    from langfuse import Langfuse
    memory = InMemorySpanExporter()
    provider = TracerProvider(); provider.add_span_processor(SimpleSpanProcessor(memory))
    client = Langfuse(public_key='pk', secret_key='sk', host='http://127.0.0.1:9', tracer_provider=provider)
    shown = []
    for s in samples:
        memory.clear()
        client.start_observation(name='sample', input=s['value']).end()
        value = memory.get_finished_spans()[0].attributes['langfuse.observation.input']
        try: parsed = json.loads(value) if not isinstance(s['value'], str) else value
        except Exception: parsed = value
        shown.append(dump(parsed))
    return shown

def with_langsmith():
    from langsmith import Client
    bodies = []
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            bodies.append(self.rfile.read(int(self.headers['content-length'] or 0))); self.send_response(202); self.end_headers(); self.wfile.write(b'{}')
        def do_GET(self): self.send_response(200); self.send_header('content-type','application/json'); self.end_headers(); self.wfile.write(b'{}')
        def log_message(self, *a): pass
    server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    client = Client(api_url=f'http://127.0.0.1:{server.server_port}', api_key='x', auto_batch_tracing=False)
    shown = []
    for s in samples:
        bodies.clear()
        client.create_run(name='sample', run_type='llm', inputs={'given': s['value']}, id=uuid.uuid4(), start_time=datetime.datetime.now(datetime.timezone.utc))
        sent = next(json.loads(b) for b in bodies if b'given' in b)
        shown.append(dump(sent['inputs']['given']))
    return shown

for name, run in [('Logfire', with_logfire), ('Langfuse', with_langfuse), ('LangSmith', with_langsmith)]:
    try: print(f'| {name} | {rates(run())} |')
    except Exception as error: print(name, 'could not be measured:', type(error).__name__, str(error)[:300])
print('| nothing |', rates([dump(s['value']) for s in samples]), '|')
