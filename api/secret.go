package api

import (
	"regexp"
	"sync"
)

// The values that secrets may have (App Runner API reference, section 6.2): a secret of Secrets Manager, on whose ARN the key
// in its JSON, the stage and the version may follow, or a parameter of SSM by ARN or name.
var secretForms = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^(arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:[0-9]{12}:secret:[A-Za-z0-9/_+=.@!-]+(:[^:]*:[^:]*:[^:]*)?` +
		`|arn:aws[a-z-]*:ssm:[a-z0-9-]+:[0-9]{12}:parameter/[A-Za-z0-9_./-]+` +
		`|[A-Za-z0-9_./-]+)$`)
})

// IsSecret reports whether a value of RuntimeEnvironmentSecrets, or a value-from of apprunner.yaml, can name a secret.
func IsSecret(value string) bool { return secretForms().MatchString(value) }
