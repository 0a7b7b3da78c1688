// duckdb_query - the entropies of domains by DuckDB, as a data engineer would write it without entromix
//
//     node duckdb_query.mjs THREADS FOLDER...     a folder is a domain: *.bin.zst of u16 tokens, 50256 ends documents
//
// zstd decompresses shards while DuckDB takes in the pairs of the one before; then SQL groups them.  Prints CSV like
// numpy_unique.  Run it in the folder where the npm package @duckdb/node-api is installed.
import { execFile } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';

const { DuckDBDataChunk, DuckDBInstance, USMALLINT } =
    createRequire(join(process.cwd(), 'package.json'))('@duckdb/node-api');
const EOD = 50256, NONE = 65535, CHUNK = 2048;
const run = promisify(execFile);

async function decompress(path) {
    const { stdout } = await run('zstd', ['-dcq', path], { encoding: 'buffer', maxBuffer: 2 ** 32 });
    return new Uint16Array(stdout.buffer, stdout.byteOffset, stdout.length >> 1);
}

// Rows of (token, next token of the shard or NONE).
function append(appender, tokens) {
    const chunk = DuckDBDataChunk.create([USMALLINT, USMALLINT]);
    for (let i = 0; i < tokens.length; i += CHUNK) {
        const n = Math.min(CHUNK, tokens.length - i);
        chunk.reset();
        chunk.rowCount = n;
        const first = chunk.getColumnVector(0), second = chunk.getColumnVector(1);
        first.items.set(tokens.subarray(i, i + n));
        second.items.set(tokens.subarray(i + 1, i + n + 1));
        if (i + n === tokens.length)
            second.items[n - 1] = NONE;
        first.flush();
        second.flush();
        appender.appendDataChunk(chunk);
    }
}

const query = `
    with pairs as (select a, b, count(*) as n from t where a <> ${EOD} and b <> ${NONE} group by a, b),
         firsts as (select a, sum(n) as n from pairs group by a),
         tokens as (select a, count(*) as n from t group by a),
         h as (select (select ln(sum(n)) - sum(n * ln(n)) / sum(n) from pairs) as joint,
                      (select ln(sum(n)) - sum(n * ln(n)) / sum(n) from firsts) as first)
    select (select sum(n)::bigint from tokens), (select ln(sum(n)) - sum(n * ln(n)) / sum(n) from tokens),
           joint, joint - first from h`;

async function entropies(connection, folder) {
    const shards = readdirSync(folder).filter((name) => name.endsWith('.bin.zst')).sort();
    await connection.run('create or replace table t (a usmallint, b usmallint)');
    const appender = await connection.createAppender('t');
    let next = decompress(join(folder, shards[0]));
    for (let i = 0; i < shards.length; i++) {
        const tokens = await next;
        if (i + 1 < shards.length)
            next = decompress(join(folder, shards[i + 1]));
        append(appender, tokens);
    }
    appender.closeSync();
    return (await connection.runAndReadAll(query)).getRows()[0];
}

const [threads, ...folders] = process.argv.slice(2);
const connection = await (await DuckDBInstance.create(':memory:', { threads })).connect();
console.log('domain,tokens,shannon,joint,conditional');
for (const folder of folders)
    console.log([basename(folder), ...await entropies(connection, folder)].join(','));
