/* catalogue.js -- what the shop sells.
 * SPDX-License-Identifier: Apache-2.0 */
export const CURRENCY = "USD";

export const products = [
  {id: "kettle", name: "Gooseneck kettle", category: "Coffee", price: 64, tint: "sage",
    text: "A thin, steady stream and a handle that stays cool. Holds 0.9 litres, and pours exactly where you look.",
    facts: ["Brushed steel", "0.9 litres", "Gas, electric and induction"]},
  {id: "mug", name: "Enamel mug", category: "Coffee", price: 18, tint: "clay",
    text: "Chips before it breaks, and is better company for it. For the balcony, the desk and the tent.",
    facts: ["Enamelled steel", "350 ml", "Dishwasher is fine"]},
  {id: "grinder", name: "Hand grinder", category: "Coffee", price: 48, tint: "sand",
    text: "Forty turns for one cup. Steel burrs, a walnut knob, and no motor to wake the house.",
    facts: ["Steel burrs", "25 g of beans", "Eighteen steps"]},
  {id: "beans", name: "House roast", category: "Coffee", price: 16, tint: "rose",
    text: "Roasted on Thursday, at its best from Saturday. Hazelnut, a little orange, nothing bitter.",
    facts: ["250 g, whole beans", "Washed arabica", "Medium roast"]},
  {id: "lamp", name: "Reading lamp", category: "Home", price: 58, tint: "sky",
    text: "Warm light for one chair. The arm stays where you leave it, the switch is where your hand is.",
    facts: ["2700 K, dimmable", "1.8 m of textile cable", "Turns by 300°"]},
  {id: "blanket", name: "Wool blanket", category: "Home", price: 89, tint: "sage",
    text: "Woven from undyed wool in one width, heavy enough to keep a Saturday where it is.",
    facts: ["130 × 200 cm", "Undyed wool", "Washed by hand"]},
  {id: "bowl", name: "Stoneware bowl", category: "Table", price: 24, tint: "sky",
    text: "For porridge, ramen, or the keys. Thrown by hand, so no two are quite alike.",
    facts: ["16 cm across", "Food-safe glaze", "Oven to 200 °C"]},
  {id: "plant", name: "Rubber plant", category: "Home", price: 32, tint: "clay",
    text: "Asks for a window and a glass of water a week, and answers with a new leaf a month.",
    facts: ["About 45 cm", "Clay pot included", "Half shade"]},
];

export function product(id) {
  return products.find((one) => one.id === id);
}

/* As the ecommerce plugin wants it. */
export function entity({id, name, category, price}, quantity = 1) {
  return {id, name, category, price, currency: CURRENCY, quantity};
}
