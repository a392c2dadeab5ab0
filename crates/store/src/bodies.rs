//! How bodies are kept: short ones as they are, others as zstd frames where that makes them shorter.
//!
//! One payment writes some fifteen records of a few hundred bytes each; alone none of them compresses well, against a
//! dictionary of typical records they shrink to a quarter. A store has its dictionary inside, so it needs nothing else to
//! be read: with `select body from dictionary` of a file saved as `D`, `zstd -d -D D` reads any frame.
//!
//! A frame begins with zstd's magic number and no JSON does. A body that happens to begin with it is always kept as a
//! frame, so what is kept tells by itself what it is.
//!
//! The dictionary of new stores, `records.dict`, was trained (`zstd --train --maxdict=8192`) on the records of some
//! hundred test payments, refunds and customers. It may be replaced by a better one at any time: stores keep theirs.

use std::cell::RefCell;

use zstd_safe::{CCtx, CDict, DCtx, DDict, compress_bound, get_error_name, get_frame_content_size};

use crate::batch::MAX_BODY;

/// The dictionary that new stores are made with. 16 kB measured 4 % smaller records, 32 kB 7 %.
pub(crate) const DICTIONARY: &[u8] = include_bytes!("records.dict");
/// The fastest level; level 3 measured 5 % smaller records.
const LEVEL: i32 = 1;
/// A frame has some 10 bytes of its own: nothing this short becomes shorter.
const SHORTEST: usize = 64;
const MAGIC: [u8; 4] = [0x28, 0xB5, 0x2F, 0xFD];

thread_local! {
    /// What zstd needs to work with, made once a thread; some hundred kB.
    static COMPRESSING: RefCell<Option<CCtx<'static>>> = const { RefCell::new(None) };
    static DECOMPRESSING: RefCell<Option<DCtx<'static>>> = const { RefCell::new(None) };
}

/// A store's dictionary, ready for use.
pub(crate) struct Bodies {
    compress: CDict<'static>,
    decompress: DDict<'static>,
}

impl Bodies {
    /// Prepares a store's dictionary; `None` if it is none or there is no memory.
    pub(crate) fn new(dictionary: &[u8]) -> Option<Self> {
        Some(Self { compress: CDict::try_create(dictionary, LEVEL)?, decompress: DDict::try_create(dictionary)? })
    }

    /// What is to be kept of a body.
    ///
    /// # Errors
    /// zstd's words; only memory can be missing.
    pub(crate) fn pack(&self, body: Vec<u8>) -> Result<Vec<u8>, String> {
        if body.len() < SHORTEST && !body.starts_with(&MAGIC) {
            return Ok(body);
        }
        let mut frame = Vec::with_capacity(compress_bound(body.len()));
        COMPRESSING.with_borrow_mut(|slot| {
            let context = ready(slot, CCtx::try_create)?;
            context.compress_using_cdict(&mut frame, &body, &self.compress).map_err(said)
        })?;
        if frame.len() >= body.len() && !body.starts_with(&MAGIC) {
            return Ok(body);
        }
        // What was reserved for the worst case would wait in the queue with it.
        frame.shrink_to_fit();
        Ok(frame)
    }

    /// The body that was kept like this.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(crate) fn unpack(&self, kept: &[u8]) -> Result<Vec<u8>, String> {
        if !kept.starts_with(&MAGIC) {
            return Ok(kept.to_vec());
        }
        let length = get_frame_content_size(kept).ok().flatten().and_then(|length| usize::try_from(length).ok());
        let length = length.filter(|length| *length <= MAX_BODY).ok_or("a frame without a sensible length")?;
        let mut body = Vec::with_capacity(length);
        DECOMPRESSING.with_borrow_mut(|slot| {
            let context = ready(slot, DCtx::try_create)?;
            context.decompress_using_ddict(&mut body, kept, &self.decompress).map_err(said)
        })?;
        Ok(body)
    }
}

fn ready<T>(slot: &mut Option<T>, make: impl FnOnce() -> Option<T>) -> Result<&mut T, String> {
    if slot.is_none() {
        *slot = make();
    }
    slot.as_mut().ok_or_else(|| "no memory".to_owned())
}

fn said(code: usize) -> String {
    get_error_name(code).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn bodies() -> Bodies {
        Bodies::new(DICTIONARY).unwrap()
    }

    proptest! {
        #[test]
        fn any_body_comes_back(mut body: Vec<u8>, magic: bool, times in 1..40_usize) {
            if magic {
                body.splice(0..0, MAGIC);
            }
            let body = body.repeat(times);
            let kept = bodies().pack(body.clone()).unwrap();
            prop_assert!(kept.len() <= body.len().max(compress_bound(body.len())));
            prop_assert_eq!(bodies().unpack(&kept), Ok(body));
        }

        #[test]
        fn any_bytes_can_be_unpacked_without_a_panic(mut bytes: Vec<u8>, magic: bool) {
            if magic {
                bytes.splice(0..0, MAGIC);
            }
            let _ = bodies().unpack(&bytes);
        }
    }

    #[test]
    fn a_record_shrinks_by_half_and_short_or_random_bodies_stay_as_they_are() {
        let record = br#"{"v":1,"d":{"id":"txn_01M87RVXYB0000MZ0J0B6RFY4Y","created_at":1795557291979,"amount":{"minor":10000,"currency":"usd"},"fee":320,"source":{"charge":"ch_01M87RVXYB00005YNSBPAV7EVT"},"available_on":1795651200000}}"#;
        assert!(bodies().pack(record.to_vec()).unwrap().len() < record.len() / 2);
        for body in [&b"{}"[..], &[7; SHORTEST - 1]] {
            assert_eq!(bodies().pack(body.to_vec()).unwrap(), body);
        }
        let random: Vec<u8> = (1..=200_u32).map(|n| n.wrapping_mul(2_654_435_761).to_be_bytes()[1]).collect();
        assert_eq!(bodies().pack(random.clone()).unwrap(), random);
    }

    #[test]
    fn a_frame_that_claims_more_than_a_body_may_have_is_refused() {
        let long = vec![b'x'; MAX_BODY + 1];
        let kept = bodies().pack(long).unwrap();
        assert!(bodies().unpack(&kept).is_err());
    }

    #[test]
    fn a_frame_of_another_dictionary_is_refused() {
        let record = br#"{"v":1,"d":{"id":"txn_01M87RVXYB0000MZ0J0B6RFY4Y","created_at":1795557291979,"amount":{"minor":10000}}}"#;
        let kept = bodies().pack(record.to_vec()).unwrap();
        assert!(Bodies::new(b"another dictionary").unwrap().unpack(&kept).is_err());
    }
}
