//! placeholder

pub mod docs_page;
pub mod params;
