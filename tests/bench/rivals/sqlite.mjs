// Rival: Fastify and better-sqlite3, WAL and synchronous=FULL. All rows that wait go into one transaction per turn of the
// event loop. DB_FILE names the file. A rowid table with a unique index was faster than WITHOUT ROWID (24 against 19
// thousand a second), a checkpoint each 4,000 pages faster than each 1,000.
import Database from 'better-sqlite3';
import { serve } from './intake.mjs';

const db = new Database(process.env.DB_FILE);
db.pragma('journal_mode = WAL');
db.pragma('synchronous = FULL');
db.pragma('cache_size = -65536');
db.pragma('wal_autocheckpoint = 4000');
db.exec(`CREATE TABLE IF NOT EXISTS inbox (
  app TEXT NOT NULL, create_time INTEGER NOT NULL, hash BLOB NOT NULL, body BLOB NOT NULL, received_ms INTEGER NOT NULL,
  UNIQUE (app, create_time, hash)) STRICT`);
const insert = db.prepare('INSERT INTO inbox VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING');
const insertAll = db.transaction((rows) => {
  const now = Date.now();
  for (const r of rows) insert.run(r.app, r.time, r.hash, r.body, now);
});

await serve({
  commit: async (rows) => insertAll.immediate(rows),
  inFlight: 1,
  most: 512,
  close: async () => db.close(),
});
