// Package database tests that types and statuses of jobs are words in a real database, SQLite.
package database
