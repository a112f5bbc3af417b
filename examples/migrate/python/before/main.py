import os

from honeyhive import HoneyHiveTracer, trace

tracer = HoneyHiveTracer.init(
    api_key=os.environ["HH_API_KEY"],
    server_url=os.environ["HH_API_URL"],
    source="production",
    session_name="chat",
)


@trace(event_type="tool", event_name="lookup", tracer=tracer)
def lookup(topic):
    return [f"a document about {topic}"]


@trace(event_type="model", event_name="complete", tracer=tracer)
def complete(messages):
    tracer.enrich_span(config={"model": "gpt-4o"}, metrics={"tokens": 12})
    return {"role": "assistant", "content": f"Otters swim ({len(messages)})"}


@trace(event_type="chain", event_name="answer", tracer=tracer)
def answer(question):
    documents = lookup("otters")
    return complete([{"role": "user", "content": question + documents[0]}])["content"]


answer("Do otters swim?")
tracer.enrich_session(user_properties={"user_id": "u-1"}, feedback={"rating": 5})
tracer.force_flush()
