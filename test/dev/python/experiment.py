"""An experiment of the Python SDK, against the server named by HH_API_URL. In a process of its own: the SDK loses spans of later tracers."""

import os

from honeyhive.experiments import evaluate

KEY = os.environ["HH_API_KEY"]
URL = os.environ["HH_API_URL"]


def experiment():
    def double(datapoint):
        return {"doubled": datapoint["inputs"]["n"] * 2}

    def is_right(outputs, inputs, ground_truth):
        return outputs["doubled"] == ground_truth["n2"]

    result = evaluate(
        function=double,
        dataset=[{"inputs": {"n": 1}, "ground_truth": {"n2": 2}}, {"inputs": {"n": 2}, "ground_truth": {"n2": 5}}],
        evaluators=[is_right],
        api_key=KEY,
        server_url=URL,
        name="python run",
        print_results=False,
    )
    print("RUN", result.run_id, result.status)


experiment()
print("DONE")
