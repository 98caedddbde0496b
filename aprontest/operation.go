package aprontest

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apprunner"
	"github.com/aws/aws-sdk-go-v2/service/apprunner/types"
)

// newest is how many operations a poll reads, the most that a page holds.
const newest = 20

// AwaitOperation polls ListOperations, as Copilot does but faster, until the operation has ended, and returns how.
// An operation that is
// not listed among the newest is an error at once.
func AwaitOperation(ctx context.Context, client *apprunner.Client, arn, id string) (types.OperationStatus, error) {
	for {
		out, err := client.ListOperations(ctx, &apprunner.ListOperationsInput{ServiceArn: &arn, MaxResults: aws.Int32(newest)})
		if err != nil {
			return "", fmt.Errorf("wait for operation %s: %w", id, err)
		}
		i := slices.IndexFunc(out.OperationSummaryList, func(s types.OperationSummary) bool { return *s.Id == id })
		if i < 0 {
			return "", fmt.Errorf("operation %s is not listed", id)
		}
		switch status := out.OperationSummaryList[i].Status; status {
		case types.OperationStatusPending, types.OperationStatusInProgress, types.OperationStatusRollbackInProgress:
		default:
			return status, nil
		}
		select {
		case <-ctx.Done():
			return "", fmt.Errorf("wait for operation %s: %w", id, context.Cause(ctx))
		case <-time.After(2 * time.Millisecond):
		}
	}
}

// Succeed waits for the operation and makes any end but SUCCEEDED an error.
func Succeed(ctx context.Context, client *apprunner.Client, arn string, id *string) error {
	if id == nil {
		return fmt.Errorf("the reply for %s has no OperationId", arn)
	}
	status, err := AwaitOperation(ctx, client, arn, *id)
	if err == nil && status != types.OperationStatusSucceeded {
		err = fmt.Errorf("operation %s ended as %s", *id, status)
	}
	return err
}
