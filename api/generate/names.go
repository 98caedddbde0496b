package main

import "strings"

// enumPrefix is what the constants of an enum begin with, where it is not the enum's name without its last word.
var enumPrefix = map[string]string{
	"ServiceStatus":                 "Status",
	"CustomDomainAssociationStatus": "CustomDomain",
	"HealthCheckProtocol":           "HealthCheck",
}

// lowerCaseEnums are upper case in the model and lower case on the wire. Terraform compares these strings exactly and
// waits for ever on the model's casing (App Runner API reference, section 1).
var lowerCaseEnums = map[string]bool{
	"AutoScalingConfigurationStatus": true,
	"CustomDomainAssociationStatus":  true,
}

// words are the parts of an enum value that are not just capitalised.
var words = map[string]string{
	"API": "API", "AWSXRAY": "AWSXRay", "BITBUCKET": "Bitbucket", "DNS": "DNS", "ECR": "ECR", "GITHUB": "GitHub",
	"HTTP": "HTTP", "IPV4": "IPv4", "NODEJS": "NodeJS", "PHP": "PHP", "TCP": "TCP", "VPC": "VPC",
}

// constName turns ServiceStatus, OPERATION_IN_PROGRESS into StatusOperationInProgress.
func constName(enum, value string) string {
	prefix, ok := enumPrefix[enum]
	if !ok {
		prefix = strings.TrimSuffix(strings.TrimSuffix(enum, "Status"), "Type")
	}
	var b strings.Builder
	b.WriteString(prefix)
	for word := range strings.SplitSeq(value, "_") {
		if w, ok := words[word]; ok {
			b.WriteString(w)
			continue
		}
		letters := strings.TrimRight(word, "0123456789")
		if w, ok := words[letters]; ok {
			b.WriteString(w + word[len(letters):])
			continue
		}
		b.WriteString(word[:1] + strings.ToLower(word[1:]))
	}
	return b.String()
}

func wireValue(enum, value string) string {
	if lowerCaseEnums[enum] {
		return strings.ToLower(value)
	}
	return value
}

// kinds maps the model's exceptions to api.Kind; they get no types of their own, because api.Error is all of them.
var kinds = map[string]string{
	"InternalServiceErrorException": "KindInternal",
	"InvalidRequestException":       "KindInvalidRequest",
	"InvalidStateException":         "KindInvalidState",
	"ResourceNotFoundException":     "KindNotFound",
	"ServiceQuotaExceededException": "KindQuotaExceeded",
}
