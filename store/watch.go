package store

import "fmt"

// Watch is what a service that deploys by itself has seen of the place that it is deployed from.
type Watch struct {
	Origin string `json:"origin"` // the place
	// Seen is the newest version there that needs no deployment: it is deployed, was tried, does not concern the service
	// or came while it was paused.
	Seen string `json:"seen"`
	// Paused says that what is found next may have come while the service was paused.
	Paused bool `json:"paused,omitempty"`
	// Failure is why the place could not be read the last time; empty when it could.
	Failure string `json:"failure,omitempty"`
}

// PutWatch writes the record, new or changed.
func (tx *Tx) PutWatch(arn string, w Watch) error {
	text, err := encode(w)
	if err != nil {
		return err
	}
	err = tx.exec(`INSERT INTO watches (arn, record) VALUES (?, ?) ON CONFLICT (arn) DO UPDATE SET record = excluded.record`, arn, text)
	if err != nil {
		return fmt.Errorf("write watch of %s: %w", arn, err)
	}
	return nil
}

// Watch reads what the service has seen. ErrNotFound if nothing.
func (tx *Tx) Watch(arn string) (Watch, error) {
	return one[Watch](tx, `SELECT record FROM watches WHERE arn = ?`, arn)
}

// WatchedServices lists the ARNs of the services of all accounts and regions that deploy by themselves, deleted ones
// excepted.
func (tx *Tx) WatchedServices() ([]string, error) {
	return tx.texts(`SELECT arn FROM services INDEXED BY services_watched
		WHERE deleted IS NULL AND json_extract(record, '$.service.SourceConfiguration.AutoDeploymentsEnabled') ORDER BY arn`)
}
