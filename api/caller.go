package api

// Caller is who signed a request and for which region: resources live per account and region.
type Caller struct {
	Account     string // 12 digits
	Region      string // from the signature's scope, such as us-east-1
	AccessKeyID string
	ReadOnly    bool   // the key may describe and list only
	RequestID   string // also in the reply's x-amzn-RequestId
}
