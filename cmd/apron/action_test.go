package main_test

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apprunner"
	"github.com/aws/aws-sdk-go-v2/service/apprunner/types"
)

// The actions of a world's service, as its owner calls them through AWS's SDK.

func source(image string, variables map[string]string) *types.SourceConfiguration {
	return &types.SourceConfiguration{ImageRepository: &types.ImageRepository{
		ImageIdentifier: &image, ImageRepositoryType: types.ImageRepositoryTypeEcr,
		ImageConfiguration: &types.ImageConfiguration{RuntimeEnvironmentVariables: variables},
	}}
}

// createWith makes the service from an image and variables.
func createWith(image string, variables map[string]string) func(context.Context, *world) error {
	return func(ctx context.Context, w *world) error {
		out, err := w.client.CreateService(ctx, &apprunner.CreateServiceInput{
			ServiceName:           aws.String("web-app"),
			SourceConfiguration:   source(image, variables),
			InstanceConfiguration: &types.InstanceConfiguration{Cpu: aws.String("256"), Memory: aws.String("512")},
		})
		if err == nil {
			w.arn = *out.Service.ServiceArn
			w.know(*out.Service.ServiceUrl)
		}
		return err
	}
}

func create(ctx context.Context, w *world) error { return createWith("hello:1", nil)(ctx, w) }

func pause(ctx context.Context, w *world) error {
	_, err := w.client.PauseService(ctx, &apprunner.PauseServiceInput{ServiceArn: &w.arn})
	return err
}

func resume(ctx context.Context, w *world) error {
	_, err := w.client.ResumeService(ctx, &apprunner.ResumeServiceInput{ServiceArn: &w.arn})
	return err
}

func deploy(ctx context.Context, w *world) error {
	_, err := w.client.StartDeployment(ctx, &apprunner.StartDeploymentInput{ServiceArn: &w.arn})
	return err
}

func remove(ctx context.Context, w *world) error {
	_, err := w.client.DeleteService(ctx, &apprunner.DeleteServiceInput{ServiceArn: &w.arn})
	return err
}

func updateTo(ctx context.Context, w *world, image string, variables map[string]string) error {
	_, err := w.client.UpdateService(ctx, &apprunner.UpdateServiceInput{ServiceArn: &w.arn, SourceConfiguration: source(image, variables)})
	return err
}

func updateGreeting(ctx context.Context, w *world) error {
	w.greeting = "Good day"
	return updateTo(ctx, w, "hello:1", map[string]string{"GREETING": w.greeting})
}

// updateToBroken asks for a version that ends as soon as it is started.
func updateToBroken(ctx context.Context, w *world) error {
	return updateTo(ctx, w, "app:1", map[string]string{"EXIT_AT_START": "3"})
}
