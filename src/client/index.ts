export type { Buckets } from './buckets.js'
export { createClient } from './client.js'
export type { ClientOptions, HoneyHiveClient } from './client.js'
export type {
  Configuration,
  ConfigurationChanges,
  ConfigurationParameters,
  ConfigurationsResource,
  ListConfigurations,
  NewConfiguration,
} from './configurations.js'
export type { Datapoint, DatapointsFromEvents, DatapointsResource, ListDatapoints, NewDatapoint } from './datapoints.js'
export type { Dataset, DatasetsResource, ListDatasets, NewDataset, NewRows } from './datasets.js'
export type {
  ClientEventType,
  EventChanges,
  EventSchema,
  EventsResource,
  ListEvents,
  NewEvent,
  NewEvents,
  SchemaOptions,
  StoredEvent,
} from './events.js'
export type {
  ClientAggregate,
  ClientRunStatus,
  CompareEvents,
  EventPair,
  ExperimentsResource,
  ListRuns,
  NewRun,
  ResultOptions,
  Run,
  RunChanges,
  RunDifference,
  RunSummary,
  ScoredEvent,
} from './experiments.js'
export type { DateRange, EventFilter } from './filter.js'
export type {
  ListMetrics,
  Metric,
  MetricChanges,
  MetricOutcome,
  MetricsResource,
  MetricThreshold,
  MetricTrial,
  MetricType,
  MetricVersion,
  NewMetric,
  NewMetricVersion,
} from './metrics.js'
export type { ListProjects, NewProject, Project, ProjectsResource } from './projects.js'
export { HoneyHiveRequestError } from './request-error.js'
export type { FailedRequest } from './request-error.js'
export type { RequestOptions } from './request.js'
export type { Page, Results } from './results.js'
export type { NewSession, SessionsResource, SessionTree } from './sessions.js'
export type { NewTool, Tool, ToolChanges, ToolsResource } from './tools.js'
export { HoneyHiveConfigError, HoneyHiveError, isHoneyHiveError } from '../errors.js'
