// Package d365backup is a client for the job information API of AvePoint Cloud Backup for
// Dynamics 365.
package d365backup
