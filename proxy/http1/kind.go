package http1

// Kind is which of the headers that a proxy must know a field is.
type Kind uint8

// The kinds. Listed is a field that the Connection header names, Disguised one that has an underscore where a header
// of another kind has a hyphen: CGI, WSGI and Rack make the same variable of both.
const (
	Other Kind = iota
	Listed
	Disguised
	Host
	Connection
	ContentLength
	TransferEncoding
	Expect
	Upgrade
	KeepAlive
	ProxyConnection
	ProxyAuthenticate
	ProxyAuthorization
	TE
	Trailer
	HTTP2Settings
	Forwarded
	XForwardedFor
	XForwardedProto
	XForwardedHost
	XForwardedPort
	XForwardedSsl
	XRequestID
	IdempotencyKey
	Traceparent
	Tracestate
	UserAgent
	Referer
	Date
	ContentType
)

var names = map[string]Kind{
	"host": Host, "connection": Connection, "content-length": ContentLength, "transfer-encoding": TransferEncoding,
	"expect": Expect, "upgrade": Upgrade, "keep-alive": KeepAlive, "proxy-connection": ProxyConnection,
	"proxy-authenticate": ProxyAuthenticate, "proxy-authorization": ProxyAuthorization, "te": TE, "trailer": Trailer,
	"http2-settings": HTTP2Settings, "forwarded": Forwarded, "x-forwarded-for": XForwardedFor,
	"x-forwarded-proto": XForwardedProto, "x-forwarded-host": XForwardedHost, "x-forwarded-port": XForwardedPort,
	"x-forwarded-ssl": XForwardedSsl, "x-request-id": XRequestID, "idempotency-key": IdempotencyKey,
	"traceparent": Traceparent, "tracestate": Tracestate, "user-agent": UserAgent, "referer": Referer, "date": Date, "content-type": ContentType,
}

// byLength is names by their lengths: most headers of a request have a length that few or none of the names has.
var byLength = func() (table [20][]known) {
	for name, kind := range names {
		table[len(name)] = append(table[len(name)], known{name, kind})
	}
	return table
}()

type known struct {
	name string
	kind Kind
}

func kindOf(name []byte) Kind {
	if len(name) >= len(byLength) {
		return Other
	}
	for _, k := range byLength[len(name)] {
		if like, disguised := resembles(name, k.name); disguised {
			return Disguised
		} else if like {
			return k.kind
		}
	}
	return Other
}

// resembles reports that name is known, and whether it is so for an underscore in the place of a hyphen.
func resembles(name []byte, known string) (like, disguised bool) {
	for i, c := range name {
		if c == '_' && known[i] == '-' {
			disguised = true
		} else if folded[c] != known[i] {
			return false, false
		}
	}
	return true, disguised
}

// Disguise reports that a header's name is a known one with an underscore in the place of a hyphen.
func Disguise(name string) bool { return kindOf([]byte(name)) == Disguised }

// Trails reports that a header of this name may follow a body.
func Trails(name string) bool { return kindOf([]byte(name)).inTrailer() }

// Private reports that a field of this kind concerns one connection only and is not passed on (RFC 9110, 7.6.1), is
// made anew by whoever passes the message on, or is a disguise.
func (k Kind) Private() bool {
	switch k {
	case Listed, Disguised, Connection, ContentLength, TransferEncoding, Upgrade, KeepAlive, ProxyConnection,
		ProxyAuthenticate, ProxyAuthorization, TE, HTTP2Settings:
		return true
	}
	return false
}

// inTrailer reports that a field of this kind may follow a body. Fields that frame, route or authenticate a message
// may not (RFC 9110, 6.5.1), nor those by which a client could claim what the proxy tells the instance.
func (k Kind) inTrailer() bool { return k == Other || k == UserAgent || k == Referer || k == Date }
