package profile

import (
	"context"
	"strings"
)

// Region is the region of a call: of the command line where that names one, of the environment, or of the profile, and
// last that of the machine, where it is one of EC2. ok is false where nobody says. An empty name that somebody gave
// counts as one.
func (s *Session) Region(ctx context.Context, flag *string) (region string, ok bool, err error) {
	if flag != nil {
		region, ok = *flag, true
	} else if region, ok, err = s.first("region", "AWS_REGION", "AWS_DEFAULT_REGION"); err != nil {
		return "", false, err
	} else if !ok {
		if region, err = s.instanceRegion(ctx); err != nil {
			return "", false, err
		}
		ok = region != ""
	}
	if ok && !isLabel(region) {
		return "", false, wrong("Provided region_name '%s' doesn't match a supported format.", region)
	}
	return region, ok, nil
}

// isLabel reports whether region may be part of a host's name.
func isLabel(region string) bool {
	region = strings.TrimSuffix(region, "\n")
	if region == "" {
		return true
	}
	const digits = "0123456789"
	const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-"
	return len(region) <= 63 && region[0] != '-' && region[len(region)-1] != '-' &&
		strings.Trim(region, digits) != "" && strings.Trim(region, digits+letters) == ""
}

// withoutFIPS takes the mark of a FIPS endpoint out of the name of a region, and reports whether there was one.
func withoutFIPS(region string) (string, bool) {
	plain := strings.ReplaceAll(strings.ReplaceAll(region, "fips-", ""), "-fips", "")
	return plain, plain != region
}

// partition is a part of AWS that shares no account with the others, told by how its regions are called.
type partition struct{ prefix, suffix, dual string }

// partitionOf is the partition of the region; one that is in no other is in that of the public.
func partitionOf(region string) partition {
	for _, p := range []partition{
		{"cn-", "amazonaws.com.cn", "api.amazonwebservices.com.cn"},
		{"us-gov-", "amazonaws.com", "api.aws"},
		{"us-iso-", "c2s.ic.gov", "api.aws.ic.gov"},
		{"us-isob-", "sc2s.sgov.gov", "api.aws.scloud"},
		{"eu-isoe-", "cloud.adc-e.uk", "api.cloud-aws.adc-e.uk"},
		{"us-isof-", "csp.hci.ic.gov", "api.aws.hci.ic.gov"},
		{"eusc-de-", "amazonaws.eu", "api.amazonwebservices.eu"},
	} {
		if p.has(region) {
			return p
		}
	}
	return partition{"", "amazonaws.com", "api.aws"}
}

// has reports whether the region is called PREFIXplace-number, or is the one that stands for all of them.
func (p partition) has(region string) bool {
	rest, ok := strings.CutPrefix(region, p.prefix)
	place, number, _ := strings.Cut(rest, "-")
	return ok && place != "" && number != "" && strings.Trim(number, "0123456789") == ""
}
