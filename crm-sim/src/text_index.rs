//! Substring search over many short texts without reading them all.
//!
//! Every three neighboring bytes of a text point to it. A search reads only the texts under the
//! rarest three bytes of what is looked for, then compares. Texts are only ever added.

use std::collections::HashMap;

/// Lower-case texts, numbered in the order they came.
#[derive(Default)]
pub(crate) struct TextIndex {
    texts: Vec<String>,
    by_trigram: HashMap<[u8; 3], Vec<u32>>,
}

impl TextIndex {
    /// Adds the text of the next number.
    pub(crate) fn push(&mut self, text: &str) {
        let number = self.texts.len();
        self.texts.push(String::new());
        self.extend(number, text);
    }

    /// Adds words to a text; a search never matches across the seam.
    pub(crate) fn extend(&mut self, number: usize, more: &str) {
        let more = more.to_lowercase();
        for trigram in trigrams(&more) {
            let numbers = self.by_trigram.entry(trigram).or_default();
            // Numbers stay sorted and single, so that search results need no second pass.
            if let Err(place) = numbers.binary_search(&(number as u32)) {
                numbers.insert(place, number as u32);
            }
        }
        self.texts[number].push('\n');
        self.texts[number].push_str(&more);
    }

    /// The numbers of the texts that hold all words, ascending. No words match everything.
    pub(crate) fn search(&self, words: &[String]) -> Vec<usize> {
        let holds = |number: &usize| {
            let text = &self.texts[*number];
            words.iter().all(|word| text.contains(word.as_str()))
        };
        match words
            .iter()
            .flat_map(|word| trigrams(word))
            .map(|key| self.under(key))
            .min_by_key(|numbers| numbers.len())
        {
            Some(rarest) => rarest
                .iter()
                .map(|number| *number as usize)
                .filter(holds)
                .collect(),
            None => (0..self.texts.len()).filter(holds).collect(),
        }
    }

    fn under(&self, trigram: [u8; 3]) -> &[u32] {
        self.by_trigram.get(&trigram).map_or(&[], Vec::as_slice)
    }
}

fn trigrams(text: &str) -> impl Iterator<Item = [u8; 3]> {
    text.as_bytes()
        .windows(3)
        .map(|window| [window[0], window[1], window[2]])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn index(texts: &[&str]) -> TextIndex {
        let mut index = TextIndex::default();
        texts.iter().for_each(|text| index.push(text));
        index
    }

    fn search(index: &TextIndex, words: &[&str]) -> Vec<usize> {
        index.search(
            &words
                .iter()
                .map(|word| (*word).to_owned())
                .collect::<Vec<_>>(),
        )
    }

    #[test]
    fn a_search_finds_parts_of_words_and_wants_all_of_them() {
        let index = index(&["John Martinez", "Johanna Smith", "Zoë Martin"]);
        assert_eq!(search(&index, &["joh"]), [0, 1]);
        assert_eq!(search(&index, &["martin"]), [0, 2]);
        assert_eq!(search(&index, &["martin", "zoë"]), [2]);
        assert_eq!(search(&index, &["jo"]), [0, 1]);
        assert_eq!(search(&index, &[]), [0, 1, 2]);
        assert_eq!(search(&index, &["nobody"]), [0; 0]);
    }

    #[test]
    fn added_text_is_found_but_not_across_the_seam() {
        let mut index = index(&["abc"]);
        index.extend(0, "def");
        assert_eq!(search(&index, &["def"]), [0]);
        assert_eq!(search(&index, &["cde"]), [0; 0]);
    }
}
