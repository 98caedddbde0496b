package store

import (
	"fmt"

	"apron/api"
)

// PastDeployment is a deployment that succeeded and that its service can go back to.
type PastDeployment struct {
	Type       api.OperationType `json:"type"` // of the operation that made it
	At         api.Timestamp     `json:"at"`   // when it succeeded
	Deployment Deployment        `json:"deployment"`
}

// PastDeployments is how many deployments a service keeps.
const PastDeployments = 10

// KeepDeployment adds the deployment to those that the service can go back to, unless it is one of them, and forgets the
// oldest when there are too many. It returns the images of those that are forgotten.
func (tx *Tx) KeepDeployment(arn string, d PastDeployment) (images []string, err error) {
	text, err := encode(d)
	if err != nil {
		return nil, err
	}
	err = tx.exec(`INSERT INTO deployments (id, arn, image, record) VALUES (?, ?, ?, ?) ON CONFLICT (id) DO NOTHING`,
		d.Deployment.ID, arn, d.Deployment.Image, text)
	if err != nil {
		return nil, fmt.Errorf("write deployment %s: %w", d.Deployment.ID, err)
	}
	return tx.texts(`DELETE FROM deployments WHERE arn = ?1 AND seq <= (
		SELECT seq FROM deployments WHERE arn = ?1 ORDER BY seq DESC LIMIT 1 OFFSET ?2) RETURNING image`, arn, PastDeployments)
}

// ForgetDeployments forgets all deployments of the service and returns their images.
func (tx *Tx) ForgetDeployments(arn string) (images []string, err error) {
	return tx.texts(`DELETE FROM deployments WHERE arn = ? RETURNING image`, arn)
}

// ListDeployments lists what the service can go back to, newest first, from the one after the given place in the list
// (0 = from the newest), at most limit of them (-1 = all).
func (tx *Tx) ListDeployments(arn string, after int64, limit int) ([]Row[PastDeployment], error) {
	return all[PastDeployment](tx, `SELECT seq, record FROM deployments
		WHERE arn = ?1 AND (?2 = 0 OR seq < ?2) ORDER BY seq DESC LIMIT ?3`, arn, after, limit)
}

// PastDeployment reads the service's deployment that the operation made. ErrNotFound if it is not kept.
func (tx *Tx) PastDeployment(arn, id string) (PastDeployment, error) {
	return one[PastDeployment](tx, `SELECT record FROM deployments WHERE arn = ? AND id = ?`, arn, id)
}

// DeploymentBefore reads the service's deployment that came before that one. ErrNotFound if there is none.
func (tx *Tx) DeploymentBefore(arn, id string) (PastDeployment, error) {
	return one[PastDeployment](tx, `SELECT record FROM deployments
		WHERE arn = ?1 AND seq < (SELECT seq FROM deployments WHERE arn = ?1 AND id = ?2) ORDER BY seq DESC LIMIT 1`, arn, id)
}
