// Rival: Fastify and pg. All rows that wait go into one INSERT ... SELECT unnest(...) per commit; synchronous_commit stays
// on. IN_FLIGHT commits run at once (default 1: measured, larger groups won over more commits at once, 26 against 24
// thousand a second; two processes gave 25). DATABASE_URL names the database.
import pg from 'pg';
import { serve } from './intake.mjs';

const inFlight = Number(process.env.IN_FLIGHT ?? 1);
const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL, max: inFlight, min: inFlight });
await pool.query(`CREATE TABLE IF NOT EXISTS rival_inbox (
  app TEXT NOT NULL, create_time BIGINT NOT NULL, hash BYTEA NOT NULL, body BYTEA NOT NULL, received_ms BIGINT NOT NULL,
  PRIMARY KEY (app, create_time, hash))`);
const text = `INSERT INTO rival_inbox SELECT a, t, h, b, $5::bigint
  FROM unnest($1::text[], $2::bigint[], $3::bytea[], $4::bytea[]) AS r (a, t, h, b) ON CONFLICT DO NOTHING`;

await serve({
  commit: (rows) =>
    pool.query({
      name: 'intake',
      text,
      values: [rows.map((r) => r.app), rows.map((r) => r.time), rows.map((r) => r.hash), rows.map((r) => r.body), Date.now()],
    }),
  inFlight,
  most: 512,
  close: () => pool.end(),
});
