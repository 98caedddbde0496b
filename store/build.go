package store

import "fmt"

// Builds is how many of the images that were built for a service are found again.
const Builds = 20

// KeepBuild notes that the key's build made the image, in the place of what it made before, and forgets the service's
// oldest builds when there are too many. A build keeps no image on the machine: whoever finds one looks whether it is there.
func (tx *Tx) KeepBuild(service, key, image string) error {
	err := tx.exec(`INSERT OR REPLACE INTO builds (service, key, image) VALUES (?, ?, ?)`, service, key, image)
	if err == nil {
		err = tx.exec(`DELETE FROM builds WHERE service = ?1 AND seq <= (
			SELECT seq FROM builds WHERE service = ?1 ORDER BY seq DESC LIMIT 1 OFFSET ?2)`, service, Builds)
	}
	if err != nil {
		return fmt.Errorf("write build %s: %w", key, err)
	}
	return nil
}

// Build reads the image that the service's build with this key made. ErrNotFound if there was none.
func (tx *Tx) Build(service, key string) (image string, err error) {
	return one[string](tx, `SELECT json_quote(image) FROM builds WHERE service = ? AND key = ?`, service, key)
}

// ForgetBuilds forgets what was built for the service.
func (tx *Tx) ForgetBuilds(service string) error {
	if err := tx.exec(`DELETE FROM builds WHERE service = ?`, service); err != nil {
		return fmt.Errorf("forget builds of service %s: %w", service, err)
	}
	return nil
}
