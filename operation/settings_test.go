package operation_test

import (
	"testing"
	"time"

	"apron/api"
	"apron/logs"
	"apron/store"
)

// createWith is create with settings that change makes to the request.
func (r *rig) createWith(name string, change func(*api.CreateServiceRequest)) (arn string) {
	r.t.Helper()
	in := &api.CreateServiceRequest{
		ServiceName: name,
		SourceConfiguration: &api.SourceConfiguration{ImageRepository: &api.ImageRepository{
			ImageIdentifier: r.machine.ref("web:1"), ImageRepositoryType: api.ImageRepositoryECR,
		}},
	}
	change(in)
	out, err := r.control.CreateService(r.t.Context(), caller, in)
	r.accepted(err)
	return out.Service.ServiceArn
}

// reconfigure asks for other settings and no other image.
func (r *rig) reconfigure(arn string, in api.UpdateServiceRequest) {
	r.t.Helper()
	in.ServiceArn = arn
	_, err := r.control.UpdateService(r.t.Context(), caller, &in)
	r.accepted(err)
}

// resource records a resource under an ARN of its kind.
func (r *rig) resource(arn string, record any) {
	r.t.Helper()
	parsed, err := api.ParseARN(arn)
	r.accepted(err)
	r.accepted(r.store.Update(r.t.Context(), func(tx *store.Tx) error {
		return store.PutResource(tx, store.Resource[any]{ARN: parsed, Record: record})
	}))
}

// scaling records an auto scaling configuration.
func (r *rig) scaling(name string, minSize int) (arn string) {
	r.t.Helper()
	arn = "arn:aws:apprunner:us-east-1:123456789012:autoscalingconfiguration/" + name + "/1/0123456789abcdef0123456789abcdef"
	r.resource(arn, api.AutoScalingConfiguration{
		AutoScalingConfigurationArn: &arn, AutoScalingConfigurationName: &name,
		AutoScalingConfigurationRevision: new(1), MinSize: &minSize, MaxSize: new(25), MaxConcurrency: new(100),
	})
	return arn
}

func (r *rig) wantInstances(arn string, want int) {
	r.t.Helper()
	healthy := 0
	for _, i := range r.fleet.Instances(r.service(arn).Service.ServiceId) {
		if i.Healthy {
			healthy++
		}
	}
	if healthy != want || len(r.fake.IDs()) != want {
		r.t.Errorf("%d healthy instances of %d on the machine, want %d", healthy, len(r.fake.IDs()), want)
	}
}

func TestMinSize_IsHowManyInstancesRun(t *testing.T) {
	bubble(t, func(r *rig) {
		three := r.scaling("three", 3)
		arn := r.createWith("web-app", func(in *api.CreateServiceRequest) { in.AutoScalingConfigurationArn = &three })
		r.ends(arn, api.OperationSucceeded)
		r.wantInstances(arn, 3)
		r.pause(arn)
		r.ends(arn, api.OperationSucceeded)
		r.wantInstances(arn, 0)
		r.resume(arn)
		r.ends(arn, api.OperationSucceeded)
		r.wantInstances(arn, 3)
		r.deploy(arn)
		r.ends(arn, api.OperationSucceeded)
		r.wantInstances(arn, 3)

		two := r.scaling("two-instances", 2)
		r.reconfigure(arn, api.UpdateServiceRequest{AutoScalingConfigurationArn: &two})
		r.ends(arn, api.OperationSucceeded)
		time.Sleep(2 * time.Minute) // a deployment has no fewer than there were; those that are not needed go later
		r.wantInstances(arn, 2)

		r.failStarts()
		r.reconfigure(arn, api.UpdateServiceRequest{AutoScalingConfigurationArn: &three})
		r.ends(arn, api.OperationRollbackSucceeded)
		r.wantInstances(arn, 2)
		r = r.restart()
		r.wantInstances(arn, 2)
	})
}

// TestMinSize_OfARecordWithoutOneIsOne because records of earlier versions of apron have none.
func TestMinSize_OfARecordWithoutOneIsOne(t *testing.T) {
	bubble(t, func(r *rig) {
		arn := r.paused("web-app")
		r = r.restartAfter(func(tx *store.Tx) error {
			svc, err := tx.Service(arn)
			if err != nil {
				return err
			}
			svc.Deployed.MinSize = 0
			return tx.PutService(svc)
		})
		r.resume(arn)
		r.ends(arn, api.OperationSucceeded)
		r.wantInstances(arn, 1)
	})
}

func reachable(public bool) *api.NetworkConfiguration {
	return &api.NetworkConfiguration{IngressConfiguration: &api.IngressConfiguration{IsPubliclyAccessible: &public}}
}

func (r *rig) wantStatus(arn string, want int) {
	r.t.Helper()
	if status, body := r.get(arn, "/"); status != want {
		r.t.Errorf("URL answers %d %q, want %d", status, body, want)
	}
}

func TestPrivateService_HasNoRoute(t *testing.T) {
	bubble(t, func(r *rig) {
		arn := r.createWith("web-app", func(in *api.CreateServiceRequest) { in.NetworkConfiguration = reachable(false) })
		r.ends(arn, api.OperationSucceeded)
		r.wantInstances(arn, 1)
		r.wantStatus(arn, 404)
		r.wantLine("deployment", r.deployment(arn), "The service is private", "404")

		r.reconfigure(arn, api.UpdateServiceRequest{NetworkConfiguration: reachable(true)})
		r.ends(arn, api.OperationSucceeded)
		r.wantStatus(arn, 200)

		r.failStarts()
		r.reconfigure(arn, api.UpdateServiceRequest{NetworkConfiguration: reachable(false)})
		r.ends(arn, api.OperationRollbackSucceeded)
		r.wantStatus(arn, 200)

		r.fake.SetFault(nil)
		r.reconfigure(arn, api.UpdateServiceRequest{NetworkConfiguration: reachable(false)})
		r.ends(arn, api.OperationSucceeded)
		r.wantStatus(arn, 404)
		r = r.restart()
		r.wantStatus(arn, 404)
		r.pause(arn)
		r.ends(arn, api.OperationSucceeded)
		r.resume(arn)
		r.ends(arn, api.OperationSucceeded)
		r.wantStatus(arn, 404)
	})
}

func TestVPCEgress_LeavesInstancesWithoutAWayOut(t *testing.T) {
	bubble(t, func(r *rig) {
		const connector = "arn:aws:apprunner:us-east-1:123456789012:vpcconnector/connector/1/0123456789abcdef0123456789abcdef"
		r.resource(connector, api.VpcConnector{})
		arn := r.createWith("web-app", func(in *api.CreateServiceRequest) {
			in.NetworkConfiguration = &api.NetworkConfiguration{
				EgressConfiguration: &api.EgressConfiguration{EgressType: new(api.EgressVPC), VpcConnectorArn: new(connector)},
			}
		})
		r.ends(arn, api.OperationSucceeded)
		r.wantLine("deployment", r.deployment(arn), "instances reach nothing outside")
		const outside = "/reach?addr=192.0.2.1:80"
		if status, body := r.get(arn, outside); status != 502 {
			t.Errorf("reaching the outside = %d %q, want 502", status, body)
		}
		r.reconfigure(arn, api.UpdateServiceRequest{NetworkConfiguration: &api.NetworkConfiguration{
			EgressConfiguration: &api.EgressConfiguration{EgressType: new(api.EgressDefault)},
		}})
		r.ends(arn, api.OperationSucceeded)
		if status, body := r.get(arn, outside); status != 200 {
			t.Errorf("reaching the outside = %d %q, want 200", status, body)
		}
	})
}

func TestUpdate_WithoutSettingsDeploysAgain(t *testing.T) {
	bubble(t, func(r *rig) {
		arn := r.running("web-app")
		before := r.fake.IDs()[0]
		r.reconfigure(arn, api.UpdateServiceRequest{})
		r.ends(arn, api.OperationSucceeded)
		if after := r.fake.IDs()[0]; after == before {
			t.Error("the old instance is still there")
		}
		r.wantLine("deployment", r.deployment(arn), logs.TriggerUpdate)
	})
}

// TestUpdateToPublic_CutOffOnItsWay_StaysPrivate because the record shows the settings to come, and what runs has those of before.
func TestUpdateToPublic_CutOffOnItsWay_StaysPrivate(t *testing.T) {
	bubble(t, func(r *rig) {
		arn := r.createWith("web-app", func(in *api.CreateServiceRequest) { in.NetworkConfiguration = reachable(false) })
		r.ends(arn, api.OperationSucceeded)
		r.endAt(api.OperationUpdateService, "pull saved")
		r.reconfigure(arn, api.UpdateServiceRequest{NetworkConfiguration: reachable(true)})
		r.awaitEnd()
		r.failStarts()
		r = r.restart()
		r.wantStatus(arn, 404)
		r.ends(arn, api.OperationRollbackSucceeded)
		r.wantInstances(arn, 1)
		r.wantStatus(arn, 404)
	})
}
