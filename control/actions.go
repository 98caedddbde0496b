package control

import "apron/awsjson"

// Actions are the actions that are built, by the names that clients call them by. For the rest of the model's,
// awsjson answers that they are not built yet.
func (c *Control) Actions() map[string]awsjson.Handler {
	return map[string]awsjson.Handler{
		"CreateService":   awsjson.Handle(c.CreateService),
		"DescribeService": awsjson.Handle(c.DescribeService),
		"ListServices":    awsjson.Handle(c.ListServices),
		"UpdateService":   awsjson.Handle(c.UpdateService),
		"StartDeployment": awsjson.Handle(c.StartDeployment),
		"PauseService":    awsjson.Handle(c.PauseService),
		"ResumeService":   awsjson.Handle(c.ResumeService),
		"DeleteService":   awsjson.Handle(c.DeleteService),
		"ListOperations":  awsjson.Handle(c.ListOperations),

		"CreateAutoScalingConfiguration":          awsjson.Handle(c.CreateAutoScalingConfiguration),
		"DescribeAutoScalingConfiguration":        awsjson.Handle(c.DescribeAutoScalingConfiguration),
		"ListAutoScalingConfigurations":           awsjson.Handle(c.ListAutoScalingConfigurations),
		"ListServicesForAutoScalingConfiguration": awsjson.Handle(c.ListServicesForAutoScalingConfiguration),
		"UpdateDefaultAutoScalingConfiguration":   awsjson.Handle(c.UpdateDefaultAutoScalingConfiguration),
		"DeleteAutoScalingConfiguration":          awsjson.Handle(c.DeleteAutoScalingConfiguration),

		"CreateObservabilityConfiguration":   awsjson.Handle(c.CreateObservabilityConfiguration),
		"DescribeObservabilityConfiguration": awsjson.Handle(c.DescribeObservabilityConfiguration),
		"ListObservabilityConfigurations":    awsjson.Handle(c.ListObservabilityConfigurations),
		"DeleteObservabilityConfiguration":   awsjson.Handle(c.DeleteObservabilityConfiguration),

		"AssociateCustomDomain":    awsjson.Handle(c.AssociateCustomDomain),
		"DescribeCustomDomains":    awsjson.Handle(c.DescribeCustomDomains),
		"DisassociateCustomDomain": awsjson.Handle(c.DisassociateCustomDomain),

		"CreateConnection": awsjson.Handle(c.CreateConnection),
		"ListConnections":  awsjson.Handle(c.ListConnections),
		"DeleteConnection": awsjson.Handle(c.DeleteConnection),

		"CreateVpcConnector":   awsjson.Handle(c.CreateVpcConnector),
		"DescribeVpcConnector": awsjson.Handle(c.DescribeVpcConnector),
		"ListVpcConnectors":    awsjson.Handle(c.ListVpcConnectors),
		"DeleteVpcConnector":   awsjson.Handle(c.DeleteVpcConnector),

		"CreateVpcIngressConnection":   awsjson.Handle(c.CreateVpcIngressConnection),
		"DescribeVpcIngressConnection": awsjson.Handle(c.DescribeVpcIngressConnection),
		"ListVpcIngressConnections":    awsjson.Handle(c.ListVpcIngressConnections),
		"UpdateVpcIngressConnection":   awsjson.Handle(c.UpdateVpcIngressConnection),
		"DeleteVpcIngressConnection":   awsjson.Handle(c.DeleteVpcIngressConnection),

		"CancelOperation":      awsjson.Handle(c.CancelOperation),
		"DescribeOperation":    awsjson.Handle(c.DescribeOperation),
		"ListDeployments":      awsjson.Handle(c.ListDeployments),
		"RollbackService":      awsjson.Handle(c.RollbackService),
		"ListLogEvents":        awsjson.Handle(c.ListLogEvents),
		"DescribeServiceUsage": awsjson.Handle(c.DescribeServiceUsage),

		"GetWebhook": awsjson.Handle(c.GetWebhook),

		"ListRuntimes": awsjson.Handle(c.ListRuntimes),
		"PullRuntime":  awsjson.Handle(c.PullRuntime),

		"DescribeStorage": awsjson.Handle(c.DescribeStorage),
		"CollectGarbage":  awsjson.Handle(c.CollectGarbage),

		"TagResource":         awsjson.Handle(c.TagResource),
		"UntagResource":       awsjson.Handle(c.UntagResource),
		"ListTagsForResource": awsjson.Handle(c.ListTagsForResource),
	}
}
