package control

import (
	"context"
	"crypto/rand"
	"errors"
	"strings"
	"time"

	"apron/api"
	"apron/store"
)

// CreateService records a new service and its first deployment. The service stays, as CREATE_FAILED, when that fails.
func (c *Control) CreateService(ctx context.Context, caller api.Caller, in *api.CreateServiceRequest) (*api.CreateServiceResponse, error) {
	if err := c.ensureDefault(ctx, caller); err != nil {
		return nil, err
	}
	svc := store.Service{Account: caller.Account, Region: caller.Region}
	var op store.Operation
	err := c.cfg.Store.Update(ctx, func(tx *store.Tx) (err error) {
		if svc.Service, err = c.settings(tx, caller, in); err != nil {
			return err
		}
		if taken, err := tx.ServiceNamed(caller.Account, caller.Region, in.ServiceName); err == nil {
			_, no := judge("CreateService", taken.Service)
			return orNil(no)
		} else if !errors.Is(err, store.ErrNotFound) {
			return err
		}
		if err := c.roomForService(tx, caller); err != nil {
			return err
		}
		c.identify(&svc, in.ServiceName)
		op = newOperation("CreateService", svc.Service)
		svc.Service.Status = api.StatusOperationInProgress
		if op.Target, err = target(tx, caller, &svc.Service, op); err != nil {
			return err
		}
		return errors.Join(tx.PutService(svc), tx.PutOperation(op), putTags(tx, svc.Service.ServiceArn, in.Tags))
	})
	if err != nil {
		return nil, err
	}
	c.cfg.Wake(svc.Service.ServiceArn)
	return &api.CreateServiceResponse{Service: &svc.Service, OperationId: op.ID()}, nil
}

func (c *Control) roomForService(tx *store.Tx, caller api.Caller) error {
	n, err := tx.CountServices(caller.Account, caller.Region)
	if err != nil {
		return err
	}
	return c.underQuota("services", n, "services in "+caller.Region)
}

// identify gives a new service its ids, which it keeps through updates, pauses and resumes.
func (c *Control) identify(svc *store.Service, name string) {
	s, now := &svc.Service, api.At(time.Now())
	s.ServiceName, s.ServiceId = name, api.NewID()
	s.ServiceArn = api.ARN{Region: svc.Region, Account: svc.Account, Kind: api.ResourceService, Name: name, ID: s.ServiceId}.String()
	s.ServiceUrl = new(c.cfg.Host(newLabel(), svc.Region))
	s.CreatedAt, s.UpdatedAt = now, now
}

// newLabel is the first part of a host name that nobody has.
func newLabel() string { return strings.ToLower(rand.Text()[:10]) }

// DescribeService tells all that there is to know of a service, also of one deleted within the last hour.
func (c *Control) DescribeService(ctx context.Context, caller api.Caller, in *api.DescribeServiceRequest) (*api.DescribeServiceResponse, error) {
	var svc api.Service
	err := c.cfg.Store.Read(ctx, func(tx *store.Tx) (err error) {
		svc, err = allow(tx, caller, "DescribeService", in.ServiceArn)
		return err
	})
	if err != nil {
		return nil, err
	}
	return &api.DescribeServiceResponse{Service: &svc}, nil
}

// ListServices lists the caller's services in the signature's region, oldest first, deleted ones excepted.
func (c *Control) ListServices(ctx context.Context, caller api.Caller, in *api.ListServicesRequest) (*api.ListServicesResponse, error) {
	page, err := c.page(caller, in.NextToken, in.MaxResults, "ListServices")
	if err != nil {
		return nil, err
	}
	var rows []store.Row[api.ServiceSummary]
	err = c.cfg.Store.Read(ctx, func(tx *store.Tx) (err error) {
		rows, err = tx.Summaries(caller.Account, caller.Region, page.after, page.fetch())
		return err
	})
	if err != nil {
		return nil, err
	}
	out := &api.ListServicesResponse{ServiceSummaryList: []api.ServiceSummary{}}
	rows, out.NextToken = cut(page, rows)
	for _, row := range rows {
		out.ServiceSummaryList = append(out.ServiceSummaryList, row.Record)
	}
	return out, nil
}

// UpdateService deploys the service with the settings given; those not given stay. The reply shows the new ones at
// once; if they cannot be deployed, the old ones come back.
func (c *Control) UpdateService(ctx context.Context, caller api.Caller, in *api.UpdateServiceRequest) (*api.UpdateServiceResponse, error) {
	if err := c.ensureDefault(ctx, caller); err != nil {
		return nil, err
	}
	svc, op, err := c.begin(ctx, caller, in.ServiceArn, "UpdateService", func(tx *store.Tx, svc *store.Service, op *store.Operation) (err error) {
		if err := c.merge(tx, caller, &svc.Service, in); err != nil {
			return err
		}
		if err := staysPrivate(tx, &svc.Service); err != nil {
			return err
		}
		op.Target, err = target(tx, caller, &svc.Service, *op)
		return err
	})
	if err != nil {
		return nil, err
	}
	return &api.UpdateServiceResponse{Service: svc, OperationId: *op}, nil
}

// StartDeployment deploys what the service's image reference points to now, or the newest commit of its branch.
func (c *Control) StartDeployment(ctx context.Context, caller api.Caller, in *api.StartDeploymentRequest) (*api.StartDeploymentResponse, error) {
	id, err := c.startDeployment(ctx, caller, in.ServiceArn, nil)
	if err != nil {
		return nil, err
	}
	return &api.StartDeploymentResponse{OperationId: id}, nil
}

func (c *Control) startDeployment(ctx context.Context, caller api.Caller, arn string, cause *store.Cause) (operationID string, err error) {
	if err := c.ensureDefault(ctx, caller); err != nil {
		return "", err
	}
	_, id, err := c.begin(ctx, caller, arn, "StartDeployment", func(tx *store.Tx, svc *store.Service, op *store.Operation) (err error) {
		op.Cause = cause
		op.Target, err = target(tx, caller, &svc.Service, *op)
		return err
	})
	if err != nil {
		return "", err
	}
	return *id, nil
}

// PauseService takes the service to zero instances and keeps what it was deployed from. On a paused service it
// changes nothing and has no OperationId.
func (c *Control) PauseService(ctx context.Context, caller api.Caller, in *api.PauseServiceRequest) (*api.PauseServiceResponse, error) {
	svc, op, err := c.begin(ctx, caller, in.ServiceArn, "PauseService", nil)
	if err != nil {
		return nil, err
	}
	return &api.PauseServiceResponse{Service: svc, OperationId: op}, nil
}

// ResumeService brings back the version that was deployed before the pause. On a running service it changes nothing
// and has no OperationId.
func (c *Control) ResumeService(ctx context.Context, caller api.Caller, in *api.ResumeServiceRequest) (*api.ResumeServiceResponse, error) {
	svc, op, err := c.begin(ctx, caller, in.ServiceArn, "ResumeService", func(_ *store.Tx, svc *store.Service, op *store.Operation) error {
		op.Target = svc.Deployed
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &api.ResumeServiceResponse{Service: svc, OperationId: op}, nil
}

// DeleteService removes the service, once it has no VPC ingress connection. It can be described as DELETED for an hour; its name is free at once.
func (c *Control) DeleteService(ctx context.Context, caller api.Caller, in *api.DeleteServiceRequest) (*api.DeleteServiceResponse, error) {
	svc, op, err := c.begin(ctx, caller, in.ServiceArn, "DeleteService", withoutIngress)
	if err != nil {
		return nil, err
	}
	return &api.DeleteServiceResponse{Service: svc, OperationId: *op}, nil
}
