// Runs the SQL in standard input with DuckDB, and writes the rows of the last statement to standard output, as JSON.

import { text } from 'node:stream/consumers';

import { DuckDBInstance } from '@duckdb/node-api';

const connection = await (await DuckDBInstance.create('duck.db')).connect();
const reader = await connection.runAndReadAll(await text(process.stdin));
process.stdout.write(JSON.stringify(reader.getRowObjectsJson()));
