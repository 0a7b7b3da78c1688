// sample_documents.mjs - unpacked Debian packages in, token shards of several domains out; see make-sample
//
//     node sample_documents.mjs ROOT OUTPUT
//
// A domain is a list of documents (natural units: files, chapters, entries), thinned evenly to a
// number of characters.  GPT-2 tokens, u16 little-endian, 50256 after every document.

import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { encode } from 'gpt-tokenizer/encoding/r50k_base';

const EOD = 50256;
const [root, output] = process.argv.slice(2);

const read = (path) => readFileSync(join(root, path), 'utf8');

function filesBelow(folder, suffix) {
    return readdirSync(join(root, folder), { recursive: true })
        .filter((name) => name.endsWith(suffix))
        .sort()
        .map((name) => read(join(folder, name)));
}

// The files of Python's library that state no copyright of their own: all under the Python licence.
function pythonFiles() {
    const ownLicence = /copyright|licen[cs]e|author:/i;
    return filesBelow('usr/lib/python3.11', '.py').filter((text) => text.length > 200 && !ownLicence.test(text));
}

function cFiles() {
    const stb = filesBelow('usr/include/stb', '.h').filter((text) => text.length < 250000);
    return [...stb, read('usr/include/sqlite3ext.h')];
}

// Lines of "Gen1:1 In the beginning ...": a document is a chapter, with "1:1 " before its verses.
function kjvChapters() {
    const chapters = new Map();
    for (const line of read('kjv.txt').split('\n')) {
        const [, book, chapter, verse] = line.match(/^(\d?[A-Za-z]+)(\d+)(:\d+ .*)$/) ?? [];
        if (!book)
            continue;
        const name = `${book} ${chapter}`;
        chapters.set(name, (chapters.get(name) ?? `${name}\n\n`) + `${chapter}${verse}\n`);
    }
    return [...chapters.values()];
}

// "01035398 32 v 01 compromise 0 ... | settle by concession": a document is "compromise: settle by concession".
function wordnetEntries() {
    return ['noun', 'verb', 'adj', 'adv'].flatMap((part) => read(`usr/share/wordnet/data.${part}`)
        .split('\n')
        .filter((line) => /^\d{8} /.test(line))
        .map((line) => {
            const [fields, gloss] = line.split(' | ');
            const field = fields.split(' ');
            const words = Array.from({ length: parseInt(field[3], 16) }, (_, i) => field[4 + 2 * i].replaceAll('_', ' '));
            return `${words.join(', ')} (${part}): ${gloss.trim()}\n`;
        }));
}

// A document is a theorem: comment, label, statement and proof.
function theorems() {
    return read('usr/share/metamath/databases/set.mm').match(/\$\((?:(?!\$\)).)*\$\)\s+\S+ \$p (?:(?!\$\.).)*\$\./gs);
}

// A document is what one language calls one emoji: name and keywords.
function emojiEntries() {
    const entry = /<annotation cp="([^"]*)">([^<]*)<\/annotation>\s*<annotation cp="\1" type="tts">([^<]*)</g;
    return ['cs', 'de', 'el', 'en', 'es', 'fi', 'fr', 'hu', 'it', 'nl', 'pl', 'pt', 'ru', 'sv', 'sw', 'tr', 'vi']
        .flatMap((language) => [...read(`usr/share/unicode/cldr/common/annotations/${language}.xml`).matchAll(entry)]
            .map(([, emoji, keywords, name]) => `${emoji} ${name}: ${keywords.replaceAll(' | ', ', ')}\n`));
}

// Keep documents, evenly over the list, until about n_chars characters.
function thin(documents, nChars) {
    const total = documents.reduce((sum, text) => sum + text.length, 0);
    let owed = 0;
    return documents.filter((text) => {
        owed += text.length * Math.min(1, nChars / total);
        const kept = owed >= text.length / 2;
        if (kept)
            owed -= text.length;
        return kept;
    });
}

const tokenize = (text) => [...encode(text, { disallowedSpecial: new Set() }), EOD];

// Consecutive documents in shards of the given shares of the tokens.
function cut(documents, shares) {
    const total = documents.reduce((sum, tokens) => sum + tokens.length, 0);
    const shards = shares.map(() => []);
    let seen = 0, shard = 0, end = shares[0];
    for (const tokens of documents) {
        shards[shard].push(tokens);
        seen += tokens.length;
        if (seen >= end * total && shard + 1 < shares.length)
            end += shares[++shard];
    }
    return shards;
}

const tokenBytes = (documents) => Buffer.from(Uint16Array.from(documents.flat()).buffer);

// Megatron's index, version 1: every document is one sequence of u16 (type 8) tokens.
function megatronIndex(documents) {
    const n = documents.length;
    const bytes = Buffer.alloc(34 + 12 * n + 8 * (n + 1));
    bytes.write('MMIDIDX\0\0', 'latin1');
    bytes.writeBigUInt64LE(1n, 9);
    bytes.writeUInt8(8, 17);
    bytes.writeBigUInt64LE(BigInt(n), 18);
    bytes.writeBigUInt64LE(BigInt(n + 1), 26);
    let offset = 0;
    documents.forEach((tokens, i) => {
        bytes.writeInt32LE(tokens.length, 34 + 4 * i);
        bytes.writeBigInt64LE(BigInt(offset), 34 + 4 * n + 8 * i);
        bytes.writeBigInt64LE(BigInt(i), 34 + 12 * n + 8 * i);
        offset += 2 * tokens.length;
    });
    bytes.writeBigInt64LE(BigInt(n), 34 + 20 * n);
    return bytes;
}

function writeDomain({ name, documents, nChars, shares, megatron }) {
    const tokens = thin(documents(), nChars).map(tokenize);
    mkdirSync(join(output, name));
    cut(tokens, shares).forEach((shard, i) => {
        const path = join(output, name, `${name}-0000${i}${megatron ? '_text_document' : ''}`);
        writeFileSync(`${path}.bin`, tokenBytes(shard));
        if (megatron)
            writeFileSync(`${path}.idx`, megatronIndex(shard));
    });
    console.log(name, tokens.length, 'documents', tokens.flat().length, 'tokens');
}

const domains = [
    { name: 'code-c', documents: cFiles, nChars: 1.8e6, shares: [0.6, 0.25, 0.15] },
    { name: 'code-python', documents: pythonFiles, nChars: 2.0e6, shares: [0.5, 0.3, 0.2] },
    { name: 'docs-html', documents: () => filesBelow('usr/share/doc/sqlite3', '.html').filter((t) => t.length < 150000),
        nChars: 2.4e6, shares: [0.4, 0.35, 0.25] },
    { name: 'math-formal', documents: theorems, nChars: 0.6e6, shares: [0.7, 0.3] },
    { name: 'books', documents: kjvChapters, nChars: 2.6e6, shares: [0.6, 0.4], megatron: true },
    { name: 'dictionary', documents: wordnetEntries, nChars: 1.6e6, shares: [0.5, 0.35, 0.15] },
    { name: 'multilingual', documents: emojiEntries, nChars: 1.0e6, shares: [0.45, 0.35, 0.2] },
];
domains.forEach(writeDomain);
