package telemetry

// family is the figures of one name. A figure of a service has the service's labels behind its own.
type family struct {
	name, kind, help string
	cloudwatch       string   // the metric of App Runner's in CloudWatch, namespace AWS/AppRunner, that it stands for
	labels           []string // its own
	ofMachine        bool     // it is no service's
}

// The label "cloudwatch" lets a query find figures by CloudWatch's names: {cloudwatch="Requests"}.
const cloudwatchLabel = "cloudwatch"

const (
	counter    = "counter"
	gauge      = "gauge"
	histograms = "histogram" // of durations, in seconds
)

var (
	famRequests   = &family{name: "apron_requests_total", kind: counter, help: "Requests that have ended.", cloudwatch: "Requests"}
	famResponses  = &family{name: "apron_responses_total", kind: counter, help: "Answers by class of their status; 1xx are upgraded connections.", labels: []string{"class", cloudwatchLabel}}
	famAborted    = &family{name: "apron_requests_aborted_total", kind: counter, help: "Requests whose client did not wait for the whole answer."}
	famFailed     = &family{name: "apron_requests_failed_total", kind: counter, help: "Requests that the proxy has failed, by reason.", labels: []string{"reason"}}
	famRetried    = &family{name: "apron_requests_retried_total", kind: counter, help: "Requests that more than one instance was tried for."}
	famUpgraded   = &family{name: "apron_connections_upgraded_total", kind: counter, help: "Requests that became another protocol's connection, such as a WebSocket, and have ended."}
	famReceived   = &family{name: "apron_request_body_bytes_total", kind: counter, help: "Bytes of bodies that clients have sent."}
	famSent       = &family{name: "apron_response_body_bytes_total", kind: counter, help: "Bytes of bodies that clients were sent."}
	famLatency    = &family{name: "apron_request_duration_seconds", kind: histograms, help: "From a request's head to the last byte of its answer, but of upgraded connections.", cloudwatch: "RequestLatency"}
	famWaited     = &family{name: "apron_request_wait_seconds", kind: histograms, help: "How long those requests waited for an instance that had to."}
	famLost       = &family{name: "apron_access_log_lost_lines_total", kind: counter, help: "Lines of the access log that could not be written."}
	famInFlight   = &family{name: "apron_requests_in_flight", kind: gauge, help: "Requests that have not ended, those that wait included.", cloudwatch: "Concurrency"}
	famQueue      = &family{name: "apron_requests_waiting", kind: gauge, help: "Requests that wait for an instance."}
	famActive     = &family{name: "apron_active_instances", kind: gauge, help: "Instances that have requests.", cloudwatch: "ActiveInstances"}
	famInstances  = &family{name: "apron_instances", kind: gauge, help: "Instances by state.", labels: []string{"state"}}
	famWanted     = &family{name: "apron_instances_wanted", kind: gauge, help: "Instances that there should be: what scaling has decided, within MinSize and MaxSize."}
	famScaled     = &family{name: "apron_scalings_total", kind: counter, help: "Decisions of scaling that changed the number of instances.", labels: []string{"direction"}}
	famServices   = &family{name: "apron_service_info", kind: gauge, help: "1, with the service's status.", labels: []string{"status"}}
	famCPU        = &family{name: "apron_cpu_utilization_percent", kind: gauge, help: "CPU that the service's instances have used over the last minute, in percent of what they have.", cloudwatch: "CPUUtilization"}
	famMemory     = &family{name: "apron_memory_utilization_percent", kind: gauge, help: "Memory that the service's instances hold, in percent of what they have.", cloudwatch: "MemoryUtilization"}
	famOneCPU     = &family{name: "apron_instance_cpu_utilization_percent", kind: gauge, help: "CPU that the instance has used over the last minute, in percent of what it has.", cloudwatch: "CPUUtilization", labels: []string{"instance_id"}}
	famOneMemory  = &family{name: "apron_instance_memory_utilization_percent", kind: gauge, help: "Memory that the instance holds, in percent of what it has.", cloudwatch: "MemoryUtilization", labels: []string{"instance_id"}}
	famCPUSeconds = &family{name: "apron_instance_cpu_seconds_total", kind: counter, help: "CPU that the instance has used.", labels: []string{"instance_id"}}
	famBytes      = &family{name: "apron_instance_memory_bytes", kind: gauge, help: "Memory that the instance holds.", labels: []string{"instance_id"}}
	famByteLimit  = &family{name: "apron_instance_memory_limit_bytes", kind: gauge, help: "Memory over which the instance is ended.", labels: []string{"instance_id"}}
	famOperations = &family{name: "apron_operations_total", kind: counter, help: "Operations that have ended, by type and by how.", labels: []string{"account", "type", "status"}, ofMachine: true}
	famOpSeconds  = &family{name: "apron_operations_duration_seconds_total", kind: counter, help: "What those took in all.", labels: []string{"account", "type", "status"}, ofMachine: true}
	famBuilds     = &family{name: "apron_builds_total", kind: counter, help: "Builds that have ended: built, reused, failed by what the user can mend, or given up for another reason.", labels: []string{"account", "outcome"}, ofMachine: true}
	famBuildSecs  = &family{name: "apron_builds_duration_seconds_total", kind: counter, help: "What those took in all.", labels: []string{"account", "outcome"}, ofMachine: true}
	famSpans      = &family{name: "apron_spans_total", kind: counter, help: "Spans by what came of them.", labels: []string{"outcome"}, ofMachine: true}
	famDisk       = &family{name: "apron_disk_bytes", kind: gauge, help: "The file system that holds the data directory.", labels: []string{"kind"}, ofMachine: true}
	famBuild      = &family{name: "apron_build_info", kind: gauge, help: "1, with the version of the server.", labels: []string{"version"}, ofMachine: true}
)
