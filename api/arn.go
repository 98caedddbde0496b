package api

import (
	"slices"
	"strconv"
	"strings"
)

// ResourceKind is the first part of an ARN's resource.
type ResourceKind string

// The kinds of resource that App Runner has.
const (
	ResourceService                    ResourceKind = "service"
	ResourceConnection                 ResourceKind = "connection"
	ResourceAutoScalingConfiguration   ResourceKind = "autoscalingconfiguration"
	ResourceObservabilityConfiguration ResourceKind = "observabilityconfiguration"
	ResourceVpcConnector               ResourceKind = "vpcconnector"
	ResourceVpcIngressConnection       ResourceKind = "vpcingressconnection"
)

// ARN names a resource: arn:aws:apprunner:REGION:ACCOUNT:KIND/NAME/ID, with the revision between name and id for
// configurations and VPC connectors.
type ARN struct {
	Region   string
	Account  string // 12 digits
	Kind     ResourceKind
	Name     string
	Revision int    // from 1; 0 for kinds without, and in a partial ARN for the latest active one
	ID       string // 32 hex digits; empty in a partial ARN
}

// String is the inverse of ParseARN.
func (a ARN) String() string {
	s := "arn:aws:apprunner:" + a.Region + ":" + a.Account + ":" + string(a.Kind) + "/" + a.Name
	if a.Revision > 0 {
		s += "/" + strconv.Itoa(a.Revision)
	}
	if a.ID != "" {
		s += "/" + a.ID
	}
	return s
}

// Partial reports whether the ARN lacks the id. That of a configuration means with NAME its latest active revision and
// with NAME/REVISION that one; that of a connection, which App Runner's samples show, the one of this name. Other kinds
// have no such ARNs.
func (a ARN) Partial() bool { return a.ID == "" }

// forms is the resource part of each kind, as an error shows it.
var forms = map[ResourceKind]string{
	ResourceService:                    "service/NAME/ID",
	ResourceConnection:                 "connection/NAME[/ID]",
	ResourceAutoScalingConfiguration:   "autoscalingconfiguration/NAME[/REVISION[/ID]]",
	ResourceObservabilityConfiguration: "observabilityconfiguration/NAME[/REVISION[/ID]]",
	ResourceVpcConnector:               "vpcconnector/NAME/REVISION/ID",
	ResourceVpcIngressConnection:       "vpcingressconnection/NAME/ID",
}

var (
	arnPattern = pattern{re2: `arn:aws:apprunner:([a-z0-9-]{1,63}):([0-9]{12}):([a-z]+)/(.+)`}
	arnName    = pattern{re2: `[A-Za-z0-9][A-Za-z0-9_-]{3,39}`}
	arnID      = pattern{re2: `[0-9a-f]{32}`}
)

// ParseARN reads an ARN of one of the kinds, or of any kind when none is given. What is malformed or of another kind is
// an *Error of KindInvalidRequest that shows the form expected. Whether the resource exists is for the store to say.
func ParseARN(s string, kinds ...ResourceKind) (ARN, error) {
	parts := arnPattern.regexp().FindStringSubmatch(s)
	if parts == nil {
		return ARN{}, malformedARN(s, kinds)
	}
	a := ARN{Region: parts[1], Account: parts[2], Kind: ResourceKind(parts[3])}
	if forms[a.Kind] == "" {
		return ARN{}, malformedARN(s, kinds)
	}
	if len(kinds) > 0 && !slices.Contains(kinds, a.Kind) {
		return ARN{}, InvalidRequest("The ARN %s names a %s; this parameter takes an ARN of the form %s.",
			cutARN(s), a.Kind, wantedForms(kinds))
	}
	if !a.setResource(strings.Split(parts[4], "/")) {
		return ARN{}, malformedARN(s, []ResourceKind{a.Kind})
	}
	return a, nil
}

// setResource reads NAME, REVISION and ID, as far as the kind has them.
func (a *ARN) setResource(parts []string) bool {
	a.Name = parts[0]
	if !arnName.match(a.Name) {
		return false
	}
	rest := parts[1:]
	if a.revisioned() && len(rest) > 0 {
		n, err := strconv.ParseUint(rest[0], 10, 31)
		if err != nil || strconv.FormatUint(n, 10) != rest[0] || n == 0 {
			return false
		}
		a.Revision, rest = int(n), rest[1:]
	}
	if len(rest) == 0 {
		return a.mayBePartial()
	}
	a.ID = rest[0]
	return len(rest) == 1 && arnID.match(a.ID)
}

func (a *ARN) revisioned() bool { return a.configuration() || a.Kind == ResourceVpcConnector }

func (a *ARN) mayBePartial() bool { return a.configuration() || a.Kind == ResourceConnection }

func (a *ARN) configuration() bool {
	return a.Kind == ResourceAutoScalingConfiguration || a.Kind == ResourceObservabilityConfiguration
}

func malformedARN(s string, kinds []ResourceKind) *Error {
	return InvalidRequest("The ARN %s is malformed; expected the form %s. List the resources to see their ARNs.",
		cutARN(s), wantedForms(kinds))
}

func wantedForms(kinds []ResourceKind) string {
	if len(kinds) == 0 {
		return "arn:aws:apprunner:REGION:ACCOUNT:KIND/NAME/ID"
	}
	var wanted []string
	for _, k := range kinds {
		wanted = append(wanted, "arn:aws:apprunner:REGION:ACCOUNT:"+forms[k])
	}
	return strings.Join(wanted, " or ")
}

// cutARN keeps the form expected inside the message's limit when the ARN is absurdly long.
func cutARN(s string) string {
	if runes := []rune(s); len(runes) > 200 {
		return string(runes[:200]) + "…"
	}
	return s
}

// CheckOwner returns an *Error of KindInvalidRequest when the ARN is of another account or region than the caller's:
// resources live per account and region (App Runner API reference, section 4.5).
func (a ARN) CheckOwner(c Caller) error {
	if a.Region != c.Region {
		return InvalidRequest("The ARN %s is in region %s and the request was signed for %s; send it with region %s.",
			a, a.Region, c.Region, a.Region)
	}
	if a.Account != c.Account {
		return InvalidRequest("The ARN %s belongs to account %s and the request was signed by account %s; use that account's access key.",
			a, a.Account, c.Account)
	}
	return nil
}
