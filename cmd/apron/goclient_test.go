package main_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/apprunner"
	"github.com/aws/aws-sdk-go-v2/service/apprunner/types"

	"apron/aprontest"
)

// goClient calls AWS's SDK for Go by the names of its methods and members, which are the model's.
type goClient struct{ *apprunner.Client }

func openGo(_ *testing.T, p *aprontest.Platform, env map[string]string) caller {
	return goClient{p.ClientIn(env["AWS_REGION"])}
}

func (c goClient) call(ctx context.Context, s step, input string) (any, *exception, error) {
	method := reflect.ValueOf(c.Client).MethodByName(s.action)
	if !method.IsValid() {
		return nil, nil, fmt.Errorf("the SDK has no %s", s.action)
	}
	in := reflect.New(method.Type().In(1).Elem())
	if err := json.Unmarshal([]byte(input), in.Interface()); err != nil {
		return nil, nil, err
	}
	out := method.Call([]reflect.Value{reflect.ValueOf(ctx), in})
	if err, _ := out[1].Interface().(error); err != nil {
		refused, err := exceptionOf(err)
		return nil, refused, err
	}
	return plain(out[0]), nil, nil
}

// exceptionOf is the typed error that the SDK has made of an answer.
func exceptionOf(err error) (*exception, error) {
	type modelled interface {
		error
		ErrorMessage() string
	}
	for _, class := range []modelled{
		&types.InvalidRequestException{}, &types.InvalidStateException{}, &types.ResourceNotFoundException{},
		&types.ServiceQuotaExceededException{}, &types.InternalServiceErrorException{},
	} {
		target := reflect.New(reflect.TypeOf(class))
		if errors.As(err, target.Interface()) {
			e := target.Elem().Interface().(modelled)
			return &exception{reflect.TypeOf(class).Elem().Name(), e.ErrorMessage()}, nil
		}
	}
	return nil, err
}

// plain is a value of the SDK as JSON has it: without what is not set, and with times apart from text and numbers.
func plain(v reflect.Value) any {
	if t, ok := v.Interface().(time.Time); ok {
		return map[string]any{"$time": float64(t.UnixMilli()) / 1000}
	}
	switch v.Kind() {
	case reflect.Pointer:
		return plain(v.Elem())
	case reflect.Struct:
		members := map[string]any{}
		for i := range v.NumField() {
			f := v.Type().Field(i)
			if f.IsExported() && f.Name != "ResultMetadata" && isSet(v.Field(i)) {
				members[f.Name] = plain(v.Field(i))
			}
		}
		return members
	case reflect.Map:
		members := map[string]any{}
		for iter := v.MapRange(); iter.Next(); {
			members[iter.Key().String()] = plain(iter.Value())
		}
		return members
	case reflect.Slice:
		list := []any{}
		for i := range v.Len() {
			list = append(list, plain(v.Index(i)))
		}
		return list
	case reflect.String:
		return v.String()
	case reflect.Bool:
		return v.Bool()
	default:
		return float64(v.Int())
	}
}

// isSet tells whether the answer had the member. Of a plain bool and number nobody can tell.
func isSet(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Pointer, reflect.Map, reflect.Slice:
		return !v.IsNil()
	case reflect.String:
		return v.String() != ""
	}
	return true
}
