package main

import (
	"cmp"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/spf13/pflag"

	"apron/certs"
)

// doorConfig is how clients come in at the services' port.
type doorConfig struct {
	HTTPS     string // one of the three below
	Cert, Key string // files of a certificate of the operator's own

	MaxConns, MaxConnsPerClient int // 0 for the edge's own defaults
}

const (
	httpsOn       = "on"       // TLS and plain HTTP are served beside each other
	httpsRedirect = "redirect" // plain HTTP is sent to https
	httpsOff      = "off"
)

func (d *doorConfig) bind(fs *pflag.FlagSet) error {
	fs.StringVar(&d.HTTPS, "https", fromEnv("APRON_HTTPS", d.HTTPS), "on: the services' port speaks TLS and plain HTTP; redirect: plain HTTP is sent to https, as on App Runner; off: no TLS")
	fs.StringVar(&d.Cert, "tls-cert", fromEnv("APRON_TLS_CERT", d.Cert), "`file` with a certificate of your own for *.REGION.DOMAIN, and its chain; read again when it changes")
	fs.StringVar(&d.Key, "tls-key", fromEnv("APRON_TLS_KEY", d.Key), "`file` with the key of --tls-cert")
	return errors.Join(
		numberVar(fs, &d.MaxConns, "max-conns", "APRON_MAX_CONNS", "connections to the services' port that are open at most; 0 for as many as the limit of open files allows, up to 65,536"),
		numberVar(fs, &d.MaxConnsPerClient, "max-conns-per-client", "APRON_MAX_CONNS_PER_CLIENT", "how many of them one address has at most, of IPv6 one /64 network; 0 for half of them"),
	)
}

func (d *doorConfig) check() error {
	switch {
	case d.HTTPS != httpsOn && d.HTTPS != httpsRedirect && d.HTTPS != httpsOff:
		return fmt.Errorf("--https is %q and must be on, redirect or off", d.HTTPS)
	case (d.Cert == "") != (d.Key == ""):
		return errors.New("--tls-cert and --tls-key belong together; give both or neither")
	case d.Cert != "" && d.HTTPS == httpsOff:
		return errors.New("--tls-cert is of no use with --https off; leave one of them out")
	case d.MaxConns < 0 || d.MaxConnsPerClient < 0:
		return errors.New("--max-conns and --max-conns-per-client can't be less than zero, which stands for the default")
	}
	return nil
}

// announce says beside the services' http URL what else there is.
func (d *doorConfig) announce() string {
	switch {
	case d.HTTPS == httpsOff:
		return ""
	case d.Cert != "":
		return ", and https (--https, --tls-cert)"
	}
	return ", and https (--https; `apron trust` makes this machine believe its certificates)"
}

// authorities is the directory of the platform's certificate authorities in the data directory.
func authorities(data string) string { return filepath.Join(data, "ca") }

// openCertificates is where the services' port gets its certificates: the operator's files first, then the platform's own authority, for
// the names that those are not for. Nil means no TLS.
func openCertificates(cfg Config, log *slog.Logger) (func(*tls.ClientHelloInfo) (*tls.Certificate, error), error) {
	if cfg.Door.HTTPS == httpsOff {
		return nil, nil
	}
	ca, err := certs.Open(authorities(cfg.Data), certs.Config{Domain: cfg.Domain})
	if err != nil {
		return nil, err
	}
	if cfg.Door.Cert == "" {
		return ca.Certificate, nil
	}
	files, err := certs.OpenFiles(log, cfg.Door.Cert, cfg.Door.Key)
	if err != nil {
		return nil, fmt.Errorf("%w; give the PEM files of a certificate and its key with --tls-cert and --tls-key", err)
	}
	if err := files.Check(cfg.Domain); err != nil {
		log.Warn("clients will not believe --tls-cert", "error", err)
	}
	return func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
		if c, err := files.Certificate(hello); c != nil || err != nil {
			return c, err
		}
		return ca.Certificate(hello)
	}, nil
}

// servedDomain is the domain whose authority is meant: what the command line says, or the running server, or the default.
func servedDomain(cfg *Config, said bool) string {
	if said || os.Getenv("APRON_DOMAIN") != "" {
		return cfg.Domain
	}
	server, err := readAddress(cfg.Data)
	if err != nil {
		return cfg.Domain
	}
	return cmp.Or(server.Domain, cfg.Domain)
}
