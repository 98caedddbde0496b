// Throws dice by their notation.
"use strict";

const { randomInt } = require("node:crypto");

// roll throws up to a hundred dice of up to a thousand sides and returns what each shows, or null for no dice.
function roll(notation) {
  const match = /^(\d{1,3})d(\d{1,4})$/.exec(notation);
  if (!match) return null;
  const [count, sides] = [Number(match[1]), Number(match[2])];
  if (count < 1 || count > 100 || sides < 2 || sides > 1000) return null;
  return Array.from({ length: count }, () => randomInt(1, sides + 1));
}

module.exports = { roll };
