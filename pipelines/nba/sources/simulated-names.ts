// Names of invented players, some with accents, apostrophes, hyphens and suffixes that sources write in different ways.

const firstNames =
  "Aldo Béla Cezary Danté Eryk Fábio Goran Håkon Ivo Jalen Keon Luka Marquise Nils Oumar Páll Quincy Rasheed Søren Théo Usman Vít Wendell Xavi Yves Žan Tyrell Devon De'Marco Isaiah".split(
    ' ',
  );
const lastNames =
  "Abara|Bērziņš|Castillo|Dupré|Eriksen|Fofana|Grüber|Hollis|Ibáñez|Jovičić|Kovačević|Larsson|Mbeki|N'Dour|Okonkwo|Peña|Quist|Radulović|Šarić|Thornton|Underhill|Vasquez|Whitfield|Xiong|Youngblood|Zubkov|Beckett Jr.|Tate-Moss|Marsh III|Pruitt".split(
    '|',
  );

export type PersonName = { readonly first: string; readonly last: string };

/** All 900; unique even when only their letters a to z are kept. */
export const allNames: readonly PersonName[] = firstNames.flatMap((first) => lastNames.map((last) => ({ first, last })));

const plain = new Map<string, string>();

/** Remembered, since a season writes half a million names. */
export const withoutAccents = (name: string): string => {
  const known = plain.get(name) ?? name.normalize('NFD').replaceAll(/\p{M}/gu, '').replaceAll('ø', 'o').replaceAll('Ø', 'O');
  plain.set(name, known);
  return known;
};

/** `Goran Beckett Jr.` → `Goran Beckett` */
export const withoutSuffix = (name: string): string => name.replace(/ (?:Jr\.|Sr\.|I{2,3}|IV)$/, '');
