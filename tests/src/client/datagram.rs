//! The business service's question and answer: as small as they can be.

/// UDP port of the service.
pub const PORT: u16 = 7000;

/// Length of a question in bytes.
pub const QUESTION_LEN: usize = 12;
/// Length of an answer in bytes.
pub const ANSWER_LEN: usize = 14;

const QUESTION: [u8; 4] = *b"HBLQ";
const ANSWER: [u8; 4] = *b"HBLA";

/// Question `number`.
#[must_use]
pub fn question(number: u64) -> [u8; QUESTION_LEN] {
    let mut bytes = [0; QUESTION_LEN];
    bytes[..4].copy_from_slice(&QUESTION);
    bytes[4..].copy_from_slice(&number.to_le_bytes());
    bytes
}

/// The answer of the node in `slot` to this datagram; `None` if it is no question.
#[must_use]
pub fn answer_to(datagram: &[u8], slot: u16) -> Option<[u8; ANSWER_LEN]> {
    let number = datagram.strip_prefix(&QUESTION)?;
    let mut bytes = [0; ANSWER_LEN];
    bytes[..4].copy_from_slice(&ANSWER);
    bytes.get_mut(4..12)?.copy_from_slice(number.get(..8)?);
    bytes[12..].copy_from_slice(&slot.to_le_bytes());
    Some(bytes)
}

/// Number and slot in an answer; `None` if it is none.
#[must_use]
pub fn parse_answer(datagram: &[u8]) -> Option<(u64, u16)> {
    let rest = datagram.strip_prefix(&ANSWER)?;
    let (number, rest) = rest.split_first_chunk()?;
    let slot = rest.first_chunk()?;
    Some((u64::from_le_bytes(*number), u16::from_le_bytes(*slot)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_carries_the_questions_number_and_the_answering_slot() {
        let answer = answer_to(&question(77), 3).expect("a question is answered");
        assert_eq!(parse_answer(&answer), Some((77, 3)));
    }

    #[test]
    fn neither_an_answer_nor_a_cut_off_question_is_answered() {
        let answer = answer_to(&question(1), 1).expect("a question is answered");
        assert_eq!(answer_to(&answer, 2), None);
        assert_eq!(answer_to(&question(1)[..11], 2), None);
        assert_eq!(parse_answer(&answer[..13]), None);
        assert_eq!(parse_answer(&question(1)), None);
    }
}
