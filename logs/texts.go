package logs

import "fmt"

// The texts that App Runner writes, as seen in its logs (App Runner API reference, logs). Users and scripts look for
// them, so operations use exactly these, and the functions where a value is part of the text.

// Events of a service's life.
const (
	CreateStarted  = "Service creation started."
	CreateFinished = "Service creation completed successfully."
	CreateFailed   = "Service creation failed. For details, see service logs."

	UpdateStarted             = "Service update started."
	UpdateFinished            = "Service update completed successfully. New configuration is deployed."
	UpdateApplicationFinished = "Service update completed successfully. New application and configuration is deployed."
	UpdateFailed              = "Service update failed. For details, see service logs."

	DeployStarted  = "Deployment started."
	DeployFinished = "Deployment completed successfully."
	DeployFailed   = "Deployment failed. For details, see service logs."

	// App Runner has no rollback that one can ask for.
	RollbackStarted  = "Service rollback started."
	RollbackFinished = "Service rollback completed successfully. The deployment before is deployed again."
	RollbackFailed   = "Service rollback failed. For details, see service logs."

	PauseStarted  = "Service pause started."
	PauseFinished = "Service pause completed successfully."
	PauseFailed   = "Service pause failed."

	ResumeStarted  = "Service resume started."
	ResumeFinished = "Service resume completed successfully."
	ResumeFailed   = "Service resume failed."

	DeleteStarted  = "Service deletion started."
	DeleteFinished = "Service deletion completed successfully."
	DeleteFailed   = "Service deletion failed."
)

// Events while instances come up.
const (
	ImagePulledEvent = "Successfully pulled image from ECR."
	Provisioning     = "Provisioning instances and deploying image."
	HealthCheckOK    = "Health check is successful. Routing traffic to application."
	TrafficRouted    = "Successfully routed incoming traffic to application."
)

// Deployment stream: source and build.
const (
	PipelineStarted  = "Creating pipeline for automatic deployments."
	PipelineFinished = "Successfully created pipeline for automatic deployments."
	SourcePulled     = "Successfully pulled your application source code."
	ConfigFileRead   = "Reading apprunner.yaml config file."
	ConfigFileValid  = "Successfully validate configuration file." // App Runner's own grammar
	BuildStarted     = "Starting source code build."
	BuildFinished    = "Successfully built your application source code."
)

// Deployment stream: image.
const (
	ImagePullStarted  = "Starting to pull your application image."
	ImagePulled       = "Successfully pulled your application image from ECR."
	ImageDeployStart  = "Starting to deploy your application image."
	ImageDeployFailed = "Failed to deploy your application image."
)

// Reasons, for ImagePullFailed and DeploymentFailed.
const (
	ReasonImageMissing = "ECR image doesn't exist."
	ReasonAccessRole   = "Invalid Access Role in AuthenticationConfiguration."
	ReasonHealthCheck  = "Health check failed."
)

// What a deployment was triggered by.
const (
	TriggerCreate = "SERVICE_CREATE"
	TriggerUpdate = "SERVICE_UPDATE"
	TriggerDeploy = "SERVICE_DEPLOY"

	TriggerRollback = "SERVICE_ROLLBACK" // ours
	TriggerPush     = "SERVICE_PUSH"     // ours
)

// StatusSet is the event of a new service status, such as PAUSED.
func StatusSet(status string) string { return fmt.Sprintf("Service status is set to %s.", status) }

// HealthCheck says what is being checked: path counts for protocol HTTP alone, port is a number in decimal.
func HealthCheck(protocol, path, port string) string {
	if protocol == "HTTP" {
		return fmt.Sprintf("Performing health check on protocol `HTTP` [Path: '%s'], [Port: '%s'].", path, port)
	}
	return fmt.Sprintf("Performing health check on protocol `%s` [Port: '%s'].", protocol, port)
}

// HealthCheckFailed is the end of a deployment whose instances did not turn healthy. That HTTP has no space before
// the bracket and TCP has one is App Runner's way.
func HealthCheckFailed(protocol, path, port string) string {
	const advice = "Check your configured port number. For more information, see the application logs."
	if protocol == "HTTP" {
		return fmt.Sprintf("Health check failed on protocol `HTTP`[Path: '%s'], [Port: '%s']. %s", path, port, advice)
	}
	return fmt.Sprintf("Health check failed on protocol `%s` [Port: '%s']. %s", protocol, port, advice)
}

// DeploymentStarted opens a deployment's stream; trigger is one of the Trigger constants.
func DeploymentStarted(operationID, trigger string) string {
	return fmt.Sprintf("Deployment with ID : %s started. Triggering event : %s", operationID, trigger)
}

// DeploymentFailed ends the stream of a deployment that failed; reason is a sentence with its full stop.
func DeploymentFailed(operationID, reason string) string {
	return fmt.Sprintf("Deployment with ID : %s failed. Failure reason : %s", operationID, reason)
}

// OperationFailed is the event that says why an operation without a deployment's stream failed; the form is ours.
func OperationFailed(operationID, reason string) string {
	return fmt.Sprintf("Operation with ID : %s failed. Failure reason : %s", operationID, reason)
}

// OperationCancelled is the event of an operation that goes back because somebody asked for it; the form is ours.
func OperationCancelled(operationID, reason string) string {
	return fmt.Sprintf("Operation with ID : %s is being undone. %s", operationID, reason)
}

// RollingBack says which deployment a rollback brings back; the form is ours.
func RollingBack(deploymentID, digest string) string {
	return fmt.Sprintf("Going back to deployment with ID : %s, [Image: %s].", deploymentID, digest)
}

// SourceArtifact names what is deployed from a repository.
func SourceArtifact(repository, branch, directory string) string {
	return fmt.Sprintf("Deployment Artifact: [Repo Type: Source], [Repository: %s], [Branch: %s], [SourceDirectory: %s]",
		repository, branch, directory)
}

// SourcePulling says where source code comes from; provider is GITHUB or BITBUCKET, or another's name, which is ours.
func SourcePulling(provider, url string) string {
	return fmt.Sprintf("Pulling source code from %s Repository ( %s ).", provider, url)
}

// SourceCommit says which commit is deployed; the form is ours.
func SourceCommit(id, subject string) string { return fmt.Sprintf("Commit: %s, %s", id, subject) }

// VersionSeen says what made a service deploy by itself: a commit or digest; the form is ours.
func VersionSeen(version string) string { return fmt.Sprintf("New version: %s", version) }

// WatchFailed is the event of a service that deploys by itself when the place of its source or image can't be read; reason is
// a sentence with its full stop. The form is ours.
func WatchFailed(reason string) string {
	return "Can't see whether there is a new version to deploy. Reason: " + reason
}

// SourcePullFailed says why there is no source code; reason is a sentence with its full stop. The form is ours.
func SourcePullFailed(reason string) string {
	return "Failed to pull your application source code. Reason: " + reason
}

// BuildFailed says why there is no image of the source code; reason is a sentence with its full stop. The form is ours.
func BuildFailed(reason string) string {
	return "Failed to build your application source code. Reason: " + reason
}

// ImagePullFailed says why there is no image; reason is a sentence with its full stop.
func ImagePullFailed(reason string) string {
	return "Failed to pull your application image. Reason: " + reason
}

// ApplicationExited is the line for a container that ended by itself. The two spaces are App Runner's.
func ApplicationExited(code int) string {
	return fmt.Sprintf("Your application stopped or failed to start. See logs for more information.  Container exit code: %d", code)
}
