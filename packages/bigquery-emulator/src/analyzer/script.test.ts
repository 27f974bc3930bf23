import { describe, expect, it } from 'vitest';
import { offsetOf, positionOf } from './positions.ts';
import { rewrite } from './rewrite.ts';
import { splitScript } from './script.ts';
import { readTokens } from './tokens.ts';

describe('splitScript', () => {
  it('cuts at semicolons, but not in strings, comments and quoted names', () => {
    const script = '-- first; no\nSELECT \';\', `a;b`, """x\n;y""" /* ; */;\n  BEGIN TRANSACTION;\nCOMMIT ; -- the end;\n';
    expect(splitScript(script)).toEqual([
      { sql: '-- first; no\nSELECT \';\', `a;b`, """x\n;y"""', line: 1, column: 1 },
      { sql: 'BEGIN TRANSACTION', line: 4, column: 3 },
      { sql: 'COMMIT', line: 5, column: 1 },
    ]);
  });

  it('leaves a script that does not lex whole, for Google to say what is wrong', () => {
    expect(splitScript("SELECT 'a; SELECT 2")).toEqual([{ sql: "SELECT 'a; SELECT 2", line: 1, column: 1 }]);
  });

  it.each([
    ['', 'Syntax error: Unexpected end of script at [1:1]'],
    ['-- nothing', 'Syntax error: Unexpected end of script at [1:11]'],
    ['SELECT 1;\n ;', 'Syntax error: Unexpected ";" at [2:2]'],
  ])('%j is no script', (script, message) => expect(() => splitScript(script)).toThrow(expect.objectContaining({ reason: 'invalidQuery', message })));

  it.each([
    ['DECLARE x INT64 DEFAULT 1', 'DECLARE'],
    ['SELECT 1; SET x = 2', 'SET'],
    ['IF TRUE THEN SELECT 1; END IF', 'IF'],
    ['LOOP SELECT 1; END LOOP', 'LOOP'],
    ['WHILE TRUE DO SELECT 1; END WHILE', 'WHILE'],
    ['FOR r IN (SELECT 1) DO SELECT 1; END FOR', 'FOR'],
    ['REPEAT SELECT 1; UNTIL TRUE END REPEAT', 'REPEAT'],
    ['CASE WHEN TRUE THEN SELECT 1; END CASE', 'CASE'],
    ['CALL p()', 'CALL'],
    ["EXECUTE IMMEDIATE 'SELECT 1'", 'EXECUTE IMMEDIATE'],
    ['RAISE', 'RAISE'],
    ['RETURN', 'RETURN'],
    ['BEGIN SELECT 1; END', 'BEGIN … END'],
    ['BEGIN\nBEGIN TRANSACTION; COMMIT; END', 'BEGIN … END'],
    ['l: LOOP BREAK; END LOOP', 'labels'],
    ['SELECT @{hint=1} 1', 'hints'],
    ['SELECT ?; SELECT 1', 'positional parameters in a script'],
  ])('%s is refused by name', (script, name) =>
    expect(() => splitScript(script)).toThrow(expect.objectContaining({ reason: 'notImplemented', message: expect.stringContaining(name) as string })),
  );
});

describe('rewrite', () => {
  const of = (sql: string) => rewrite(sql, readTokens(sql) ?? []);

  it('names positional parameters, and only them', () => {
    expect(of('SELECT ?, \'?\', `?`, """?""", r\'\\?\' -- ?\n/* ? */ FROM t WHERE a=?').sql).toBe(
      'SELECT @_p1, \'?\', `?`, """?""", r\'\\?\' -- ?\n/* ? */ FROM t WHERE a=@_p2',
    );
  });

  it('makes a path of a quoted name with dots, as long as it was, and knows what it meant', () => {
    const { sql, text, expand } = of('SELECT t.a FROM `my-p.d.t` JOIN `d.a-b` USING (a)');
    expect(sql).toBe('SELECT t.a FROM `my-p.d.t` JOIN `d.a-b` USING (a)');
    expect(text).toBe('SELECT t.a FROM _q0.t      JOIN _q1.`a-b` USING (a)');
    expect(expand(['_q0', 't'])).toEqual(['my-p', 'd', 't']);
    expect(expand(['_q1', 'a-b'])).toEqual(['d', 'a-b']);
    expect(expand(['x', 'y.z'])).toEqual(['x', 'y', 'z']);
  });

  it('leads positions back', () => {
    const { text, toOriginal } = of("SELECT ?,\t'é😀', ? FROM `d.t` x y");
    const at = (needle: string): number => text.indexOf(needle);
    const original = "SELECT ?,\t'é😀', ? FROM `d.t` x y";
    for (const needle of ['SELECT', '😀', 'FROM', 'x y', 'y']) {
      expect(toOriginal(positionOf(text, text.lastIndexOf(needle)))).toEqual(positionOf(original, original.lastIndexOf(needle)));
    }
    expect(toOriginal(positionOf(text, at('_p2')))).toEqual(positionOf(original, original.lastIndexOf('?')));
  });
});

describe('positions', () => {
  it('count lines of all kinds, tabs to eight, and characters once', () => {
    const text = 'a\r\nb\n\tc😀d\re';
    expect(['a', 'b', 'c', 'd', 'e'].map((letter) => positionOf(text, text.indexOf(letter)))).toEqual([
      { line: 1, column: 1 },
      { line: 2, column: 1 },
      { line: 3, column: 9 },
      { line: 3, column: 11 },
      { line: 4, column: 1 },
    ]);
    for (const letter of 'abcde') expect(offsetOf(text, positionOf(text, text.indexOf(letter)))).toBe(text.indexOf(letter));
  });
});
