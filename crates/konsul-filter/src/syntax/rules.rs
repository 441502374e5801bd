//! Expressions: `or` binds less than `and`, `and` less than `not`.
//!
//! The original describes `or`, `and` and `not` as rules that call themselves at their right end. Here they are loops,
//! with the same choices in the same order, so that only parentheses nest.

use std::sync::Arc;

use super::scanner::Scanner;
use crate::expression::{Comparison, Expression, Operator};
use crate::limits::NESTING_MAX;

type Parsed = Option<Arc<Expression>>;

impl Scanner<'_> {
    /// The whole text.
    pub(super) fn input(&mut self) -> Parsed {
        self.sequence(|scan| {
            scan.blanks();
            let expression = scan.in_parentheses()?;
            scan.blanks();
            scan.end()?;
            Some(expression)
        })
        .or_else(|| {
            self.sequence(|scan| {
                scan.blanks();
                let expression = scan.or()?;
                scan.blanks();
                scan.end()?;
                Some(expression)
            })
        })
    }

    fn in_parentheses(&mut self) -> Parsed {
        self.sequence(|scan| {
            let expression = scan.after_parenthesis()?;
            scan.literal(")")?;
            Some(expression)
        })
    }

    /// From an opening parenthesis to where the closing one should be.
    fn after_parenthesis(&mut self) -> Parsed {
        self.literal("(")?;
        self.blanks();
        self.refused_depth |= self.depth == NESTING_MAX;
        if self.refused_depth {
            return None;
        }
        self.depth += 1;
        let expression = self.or();
        self.depth -= 1;
        let expression = expression?;
        self.blanks();
        Some(expression)
    }

    fn or(&mut self) -> Parsed {
        let start = self.at().offset;
        if let Some(known) = self.remembered.get(&start).cloned() {
            let (expression, end) = known?;
            self.go_to(end);
            return Some(expression);
        }
        let read = self.chain("or", Self::and, Expression::Or);
        let end = self.at();
        self.remembered.insert(start, read.clone().map(|expression| (expression, end)));
        read
    }

    fn and(&mut self) -> Parsed {
        self.chain("and", Self::not, Expression::And)
    }

    /// Parts with a word between them. A word without a part after it is left to whoever comes next.
    fn chain(
        &mut self,
        word: &'static str,
        part: fn(&mut Self) -> Parsed,
        all: fn(Vec<Arc<Expression>>) -> Expression,
    ) -> Parsed {
        let first = part(self)?;
        let mut parts = vec![first];
        while let Some(next) = self.sequence(|scan| {
            scan.word_between(word)?;
            part(scan)
        }) {
            parts.push(next);
        }
        if parts.len() == 1 { parts.pop() } else { Some(Arc::new(all(parts))) }
    }

    fn word_between(&mut self, word: &'static str) -> Option<()> {
        self.blank()?;
        self.literal(word)?;
        self.blank()
    }

    /// As many `not` as there are; where nothing can be read behind the last, it may be a name.
    fn not(&mut self) -> Parsed {
        let mut places = vec![self.at()];
        while self.not_word().is_some() {
            places.push(self.at());
        }
        while let Some(place) = places.pop() {
            self.go_to(place);
            if let Some(expression) = self.primary() {
                return Some(negated(expression, places.len()));
            }
        }
        None
    }

    fn not_word(&mut self) -> Option<()> {
        self.sequence(|scan| {
            scan.literal("not")?;
            scan.blank()
        })
    }

    fn primary(&mut self) -> Parsed {
        self.in_parentheses().or_else(|| self.comparison()).or_else(|| self.sequence(Self::unclosed))
    }

    fn unclosed(&mut self) -> Parsed {
        self.after_parenthesis()?;
        self.not_ahead(|scan| scan.literal(")"))?;
        self.fault(self.at(), "grouping", "Unmatched parentheses");
        None
    }

    fn comparison(&mut self) -> Parsed {
        self.sequence(Self::selector_and_value)
            .or_else(|| self.sequence(Self::emptiness))
            .or_else(|| self.sequence(Self::value_in_selector))
            .or_else(|| self.sequence(Self::value_in_nothing))
    }

    fn selector_and_value(&mut self) -> Parsed {
        let selector = self.selector()?;
        let operator = self.operator_before_value()?;
        let value = Some(self.value()?);
        Some(Arc::new(Expression::Comparison(Comparison { selector, operator, value })))
    }

    fn operator_before_value(&mut self) -> Option<Operator> {
        (self.sign("==").map(|()| Operator::Equal))
            .or_else(|| self.sign("!=").map(|()| Operator::NotEqual))
            .or_else(|| self.words(&["contains"]).map(|()| Operator::In))
            .or_else(|| self.words(&["not", "contains"]).map(|()| Operator::NotIn))
            .or_else(|| self.words(&["matches"]).map(|()| Operator::Matches))
            .or_else(|| self.words(&["not", "matches"]).map(|()| Operator::NotMatches))
    }

    fn sign(&mut self, sign: &'static str) -> Option<()> {
        self.sequence(|scan| {
            scan.blanks();
            scan.literal(sign)?;
            scan.blanks();
            Some(())
        })
    }

    /// Words, each with a blank before it, and one after the last.
    fn words(&mut self, words: &[&'static str]) -> Option<()> {
        self.sequence(|scan| {
            scan.words_before(words)?;
            scan.blank()
        })
    }

    fn words_before(&mut self, words: &[&'static str]) -> Option<()> {
        self.sequence(|scan| {
            for word in words {
                scan.blank()?;
                scan.literal(word)?;
            }
            Some(())
        })
    }

    fn emptiness(&mut self) -> Parsed {
        let selector = self.selector()?;
        let is_empty = self.words_before(&["is", "empty"]).map(|()| Operator::IsEmpty);
        let operator =
            is_empty.or_else(|| self.words_before(&["is", "not", "empty"]).map(|()| Operator::IsNotEmpty))?;
        Some(Arc::new(Expression::Comparison(Comparison { selector, operator, value: None })))
    }

    fn value_in_selector(&mut self) -> Parsed {
        let value = Some(self.value()?);
        let operator = self.operator_after_value()?;
        let selector = self.selector()?;
        Some(Arc::new(Expression::Comparison(Comparison { selector, operator, value })))
    }

    fn operator_after_value(&mut self) -> Option<Operator> {
        let is_in = self.words(&["in"]).map(|()| Operator::In);
        is_in.or_else(|| self.words(&["not", "in"]).map(|()| Operator::NotIn))
    }

    fn value_in_nothing(&mut self) -> Parsed {
        self.value()?;
        self.operator_after_value()?;
        self.not_ahead(Self::selector)?;
        self.fault(self.at(), "match", "Invalid selector");
        None
    }
}

fn negated(expression: Arc<Expression>, times: usize) -> Arc<Expression> {
    match (times % 2, &*expression) {
        (0, _) => expression,
        // `not (not a == b)`: two that cancel out, with parentheses between them.
        (_, Expression::Not(inner)) => Arc::clone(inner),
        _ => Arc::new(Expression::Not(expression)),
    }
}
