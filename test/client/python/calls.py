"""Every call of the Python SDK that reaches a resource of the REST client, once, in the order of test/client/calls.ts."""

import os
import warnings

from honeyhive import HoneyHive
from honeyhive.models import (
    AddDatapointsToDatasetRequest,
    CreateConfigurationRequest,
    CreateDatapointRequest,
    CreateDatasetRequest,
    CreateMetricRequest,
    CreateMetricVersionRequest,
    EventFilter,
    PostEventBatchRequest,
    PostEventRequest,
    PostExperimentRunRequest,
    PutExperimentRunRequest,
    UpdateConfigurationRequest,
    UpdateDatapointRequest,
    UpdateDatasetRequest,
    UpdateEventRequest,
    UpdateMetricRequest,
)

warnings.simplefilter("ignore")
client = HoneyHive(api_key=os.environ["HH_API_KEY"], base_url=os.environ["HH_API_URL"])

EVENT = "00000000-0000-4000-8000-00000000000e"
SESSION = "00000000-0000-4000-8000-00000000005e"
RUN = "00000000-0000-4000-8000-0000000000aa"
OLD_RUN = "00000000-0000-4000-8000-0000000000bb"
MESSAGES = [{"role": "system", "content": "Be brief."}]
PARAMETERS = {"call_type": "chat", "model": "gpt-4o", "template": MESSAGES}
METRIC = {"name": "length", "type": "PYTHON", "criteria": "def f(e): return 1", "return_type": "float", "enabled_in_prod": True, "threshold": {"min": 0.5}}


def call(name, send):
    """The reply of the recorder is empty, which the SDK's models refuse; the request is what counts."""
    try:
        send()
    except Exception as error:
        if type(error).__name__ not in ("ValidationError", "TypeError", "AttributeError", "KeyError"):
            raise
    print("CALL", name)


call("sessions.start", lambda: client.sessions.start({"session": {"session_id": SESSION, "session_name": "by hand", "source": "ci", "inputs": {"q": 1}}}))
call("events.create", lambda: client.events.create(PostEventRequest(event={"event_id": EVENT, "event_type": "tool", "event_name": "posted", "inputs": {"q": 1}, "session_id": SESSION, "start_time": 1700000000000, "duration": 5.5})))
call("events.update", lambda: client.events.update(UpdateEventRequest(event_id=EVENT, metadata={"user_id": "u"}, outputs={"a": 2}, feedback={"rating": 5}, user_properties={"plan": "pro"})))
call("events.createBatch", lambda: client.events.create_batch(PostEventBatchRequest(events=[{"event_id": EVENT, "event_type": "model", "event_name": "one", "inputs": {"a_b": 1}, "session_id": SESSION}])))
call("events.list", lambda: client.events.export(filters=[EventFilter(field="session_id", operator="is", value=SESSION, type="string")], limit=100))
call("events.list of a time", lambda: client.events.export(filters=[], date_range={"$gte": "2024-01-01T00:00:00.000Z", "$lte": "2024-01-31T00:00:00.000Z"}, projections=["event_name"], page=2))
call("datasets.list", lambda: client.datasets.list())
call("datasets.list by name", lambda: client.datasets.list(dataset_id="d1", name="cities of the world"))
call("datasets.create", lambda: client.datasets.create(CreateDatasetRequest(name="cities", description="of the world", datapoints=["p1"])))
call("datasets.update", lambda: client.datasets.update(UpdateDatasetRequest(dataset_id="d1", name="towns")))
call("datasets.addDatapoints", lambda: client.datasets.add_datapoints("d1", AddDatapointsToDatasetRequest(data=[{"q": 1, "a": 2}], mapping={"inputs": ["q"], "ground_truth": ["a"], "history": []})))
call("datasets.removeDatapoint", lambda: client.datasets.remove_datapoint("d1", "p1"))
call("datasets.delete", lambda: client.datasets.delete("d1"))
call("datapoints.list", lambda: client.datapoints.list(datapoint_ids=["p1", "p2"], dataset_name="cities"))
call("datapoints.get", lambda: client.datapoints.get("p1"))
call("datapoints.create", lambda: client.datapoints.create(CreateDatapointRequest(inputs={"some_key": 1}, history=MESSAGES, ground_truth={"a": 2}, metadata={"m": 3}, linked_datasets=["d1"])))
call("datapoints.update", lambda: client.datapoints.update("p1", UpdateDatapointRequest(metadata={"checked": True})))
call("datapoints.delete", lambda: client.datapoints.delete("p1"))
call("experiments.createRun", lambda: client.experiments.create_run(PostExperimentRunRequest(run_id=RUN, name="first", status="pending", event_ids=[], datapoint_ids=["p1"], configuration={"function": "f"}, metadata={"m": 1})))
call("experiments.updateRun", lambda: client.experiments.update_run(RUN, PutExperimentRunRequest(name="first", status="completed", event_ids=[SESSION])))
call("experiments.getRun", lambda: client.experiments.get_run(RUN))
call("experiments.listRuns", lambda: client.experiments.list_runs(run_ids=[RUN, OLD_RUN], name="first", status="completed", limit=50, sort_by="name", sort_order="asc"))
call("experiments.getResult", lambda: client.experiments.get_result(RUN, aggregate_function="median"))
call("experiments.compareRuns", lambda: client.experiments.compare_runs(RUN, OLD_RUN, aggregate_function="average"))
call("experiments.compareRunEvents", lambda: client.experiments.compare_run_events(RUN, OLD_RUN, event_name="f", event_type="chain", limit=10))
call("experiments.getSchema", lambda: client.experiments.get_schema(evaluation_id=RUN))
call("experiments.deleteRun", lambda: client.experiments.delete_run(RUN))
call("configurations.list", lambda: client.configurations.list())
call("configurations.create", lambda: client.configurations.create(CreateConfigurationRequest(name="prompt", provider="openai", parameters=PARAMETERS, env=["dev"], tags=["t"], user_properties={"some_key": 1})))
call("configurations.update", lambda: client.configurations.update("c1", UpdateConfigurationRequest(name="prompt 2", provider="openai", parameters=PARAMETERS)))
call("configurations.delete", lambda: client.configurations.delete("c1"))
call("metrics.list", lambda: client.metrics.list(type="PYTHON"))
call("metrics.get", lambda: client.metrics.get_metric("m1"))
call("metrics.create", lambda: client.metrics.create(CreateMetricRequest(**METRIC)))
call("metrics.update", lambda: client.metrics.update(UpdateMetricRequest(id="m1", name="size", sampling_percentage=50)))
call("metrics.delete", lambda: client.metrics.delete("m1"))
call("metrics.listVersions", lambda: client.metric_versions.list("m1"))
call("metrics.createVersion", lambda: client.metric_versions.create("m1", CreateMetricVersionRequest(message="better", content=METRIC, deploy_immediately=True)))
call("metrics.deployVersion", lambda: client.metric_versions.deploy("m1", "v1"))
print("DONE")
