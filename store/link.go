package store

import (
	"fmt"

	"apron/api"
)

// uses lists the ARNs of what the service needs: as it is now, and as it was deployed, because an update that fails
// brings that back. A deleted service needs nothing.
func (s Service) uses() map[string]bool {
	arns := map[string]bool{}
	if s.Service.DeletedAt != nil {
		return arns
	}
	collect(arns, &s.Service)
	if s.Deployed != nil {
		collect(arns, &s.Deployed.Config)
	}
	return arns
}

func collect(arns map[string]bool, s *api.Service) {
	add := func(arn *string) {
		if arn != nil {
			arns[*arn] = true
		}
	}
	if a := s.AutoScalingConfigurationSummary; a != nil {
		add(a.AutoScalingConfigurationArn)
	}
	if o := s.ObservabilityConfiguration; o != nil {
		add(o.ObservabilityConfigurationArn)
	}
	if n := s.NetworkConfiguration; n != nil && n.EgressConfiguration != nil {
		add(n.EgressConfiguration.VpcConnectorArn)
	}
	if c := s.SourceConfiguration; c != nil && c.AuthenticationConfiguration != nil {
		add(c.AuthenticationConfiguration.ConnectionArn)
	}
}

// putLinks records what the service uses.
func (tx *Tx) putLinks(s Service) error {
	arn, arns := s.Service.ServiceArn, s.uses()
	linked, err := tx.links(arn)
	if err != nil {
		return err
	}
	for _, target := range linked {
		if arns[target] {
			delete(arns, target)
		} else if err := tx.exec(`DELETE FROM links WHERE target = ? AND service = ?`, target, arn); err != nil {
			return fmt.Errorf("unlink %s: %w", target, err)
		}
	}
	for target := range arns {
		if err := tx.exec(`INSERT INTO links (target, service) VALUES (?, ?)`, target, arn); err != nil {
			return fmt.Errorf("link %s: %w", target, err)
		}
	}
	return nil
}

func (tx *Tx) links(service string) ([]string, error) {
	return tx.texts(`SELECT target FROM links WHERE service = ?`, service)
}

// InUse reports whether a service that is not deleted uses the resource with this full ARN.
func (tx *Tx) InUse(arn string) (bool, error) {
	var used bool
	err := tx.scalar(&used, `SELECT EXISTS (SELECT 1 FROM links WHERE target = ?)`, arn)
	return used, err
}

// ServicesUsing lists the services that use the resource with this full ARN, oldest first, from the one after the given
// place in the list (0 = from the start), at most limit of them (-1 = all). The records are the services' ARNs.
func (tx *Tx) ServicesUsing(arn string, after int64, limit int) ([]Row[string], error) {
	return all[string](tx, `SELECT s.seq, json_quote(s.arn) FROM links AS l JOIN services AS s ON s.arn = l.service
		WHERE l.target = ? AND s.seq > ? ORDER BY s.seq LIMIT ?`, arn, after, limit)
}

// texts reads the strings that query selects.
func (tx *Tx) texts(query string, args ...any) ([]string, error) {
	rows, err := tx.sql.QueryContext(tx.ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("list: %w", err)
	}
	defer rows.Close()
	var list []string
	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			return nil, fmt.Errorf("list: %w", err)
		}
		list = append(list, text)
	}
	return list, rows.Err()
}

// DefaultAutoScaling reads the full ARN of the auto scaling configuration that new services of the account and region get.
// ErrNotFound as long as none was set.
func (tx *Tx) DefaultAutoScaling(account, region string) (string, error) {
	return one[string](tx, `SELECT json_quote(arn) FROM defaults WHERE account = ? AND region = ?`, account, region)
}

// SetDefaultAutoScaling makes the configuration with this full ARN the one that new services get.
func (tx *Tx) SetDefaultAutoScaling(account, region, arn string) error {
	err := tx.exec(`INSERT INTO defaults (account, region, arn) VALUES (?, ?, ?)
		ON CONFLICT (account, region) DO UPDATE SET arn = excluded.arn`, account, region, arn)
	if err != nil {
		return fmt.Errorf("write default: %w", err)
	}
	return nil
}
