// npm_peers - DuckDB and ClickHouse (in-process, chdb) group the pairs of a stream of tokens
//
//     node npm_peers.mjs FILE WIDTH ENGINE...     FILE: WIDTH-byte tokens; ENGINE: duckdb, clickhouse
//
// Both take the pairs into a table in memory first.  Then each line "ENGINE THREADS" on stdin is answered by a line
// "seconds processor-seconds pairs distinct checksum" on stdout; only the grouping is timed.  Run it in the folder where the npm packages
// @duckdb/node-api and chdb are installed.
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const CHUNK = 2048, require = createRequire(join(process.cwd(), 'package.json'));
const grouped = '(select a, b, count(*) as n from t group by a, b)';

async function openDuckdb(tokens) {
    const { DuckDBDataChunk, DuckDBInstance, UINTEGER, USMALLINT } = require('@duckdb/node-api');
    const connection = await (await DuckDBInstance.create(':memory:')).connect();
    const type = tokens.BYTES_PER_ELEMENT === 2 ? USMALLINT : UINTEGER, chunk = DuckDBDataChunk.create([type, type]);
    await connection.run(`create table t (a ${type}, b ${type})`);
    const appender = await connection.createAppender('t');
    for (let i = 0; i + 1 < tokens.length; i += CHUNK) {
        const n = Math.min(CHUNK, tokens.length - 1 - i);
        chunk.reset();
        chunk.rowCount = n;
        for (let column = 0; column < 2; column++) {
            const vector = chunk.getColumnVector(column);
            vector.items.set(tokens.subarray(i + column, i + column + n));
            vector.flush();
        }
        appender.appendDataChunk(chunk);
    }
    appender.closeSync();
    const ask = async (sql) => (await connection.runAndReadAll(sql)).getRows()[0];
    const [checksum] = await ask(`select (sum(n::hugeint * n * ((a::ubigint * 65599 + b) % 1000003))
        % 18446744073709551616)::varchar from ${grouped}`);
    return {
        checksum,
        setThreads: (threads) => connection.run(`set threads to ${threads}`),
        group: () => ask(`select sum(n)::bigint, count(*) from ${grouped}`),
    };
}

async function openClickhouse(tokens) {
    const { Session } = require('chdb');
    const bits = 8 * tokens.BYTES_PER_ELEMENT, path = join(process.cwd(), `pairs-${process.pid}.bin`);
    const rows = new tokens.constructor(2 * (tokens.length - 1));
    for (let i = 0; i + 1 < tokens.length; i++) {
        rows[2 * i] = tokens[i];
        rows[2 * i + 1] = tokens[i + 1];
    }
    writeFileSync(path, rows);
    const session = new Session();
    const columns = `a UInt${bits}, b UInt${bits}`;
    session.query(`create table t (${columns}) engine Memory`);
    session.query(`insert into t select * from file('${path}', 'RowBinary', '${columns}')`);
    rmSync(path);
    const ask = (sql) => session.query(sql, 'TSV').trim().split('\t');
    const [checksum] = ask(`select sum(n * n * ((toUInt64(a) * 65599 + b) % 1000003)) from ${grouped}`);
    let threads = 1;
    return {
        checksum,
        setThreads: (n) => { threads = n; },
        group: () => ask(`select sum(n), count() from ${grouped} settings max_threads = ${threads}`),
    };
}

const [path, width, ...names] = process.argv.slice(2);
const bytes = readFileSync(path), Tokens = width === '2' ? Uint16Array : Uint32Array;
const tokens = new Tokens(bytes.buffer, bytes.byteOffset, bytes.length / Tokens.BYTES_PER_ELEMENT);
const engines = {};
for (const name of names)
    engines[name] = await (name === 'duckdb' ? openDuckdb : openClickhouse)(tokens);
console.log('ready');
for await (const line of createInterface({ input: process.stdin })) {
    const [name, threads] = line.split(' '), engine = engines[name];
    await engine.setThreads(threads);
    const begin = performance.now(), cpu = process.cpuUsage();
    const [pairs, distinct] = await engine.group();
    const seconds = (performance.now() - begin) / 1000, { user, system } = process.cpuUsage(cpu);
    console.log([seconds, (user + system) / 1e6, pairs, distinct, engine.checksum].join(' '));
}
process.exit(0);
