package awsjson

import (
	"context"
	"errors"
	"testing"

	"apron/api"
)

const testID = "11111111-1111-4111-8111-111111111111"

func signedBy(context.Context) (Credentials, error) {
	return Credentials{AccessKeyID: testKey, SecretAccessKey: testSecret}, nil
}

func TestCall_SignsAsTheServerExpects(t *testing.T) {
	actions := clientActions()
	actions["CancelOperation"] = Handle(func(_ context.Context, _ api.Caller, in *api.CancelOperationRequest) (*api.CancelOperationResponse, error) {
		return nil, api.InvalidState("%s", *in.OperationId)
	})
	url, _ := start(t, Config{Actions: actions})
	c := &Client{Endpoint: url, Region: "us-east-1", Credentials: signedBy}
	out, err := Call[api.DescribeServiceRequest, api.DescribeServiceResponse](t.Context(), c, "DescribeService", &api.DescribeServiceRequest{ServiceArn: testARN})
	if err != nil || out.Service.ServiceName != "web-app" {
		t.Errorf("%+v, %v", out, err)
	}
	_, err = Call[api.PauseServiceRequest, api.PauseServiceResponse](t.Context(), c, "PauseService", &api.PauseServiceRequest{ServiceArn: testARN})
	e, ok := errors.AsType[*APIError](err)
	want := "An error occurred (ResourceNotFoundException) when calling the PauseService operation: The service " + testARN +
		" does not exist in account 123456789012 and region us-east-1."
	if !ok || e.Error() != want || e.RequestID == "" {
		t.Errorf("%v", err)
	}
	_, err = Call[api.CancelOperationRequest, api.CancelOperationResponse](t.Context(), c, "CancelOperation",
		&api.CancelOperationRequest{ServiceArn: testARN, OperationId: new(testID)})
	if want := "An error occurred (InvalidStateException) when calling the CancelOperation operation: " + testID; err == nil || err.Error() != want {
		t.Errorf("%v", err)
	}
}
