//! The simulator's own cards that make the bank, or the line to it, misbehave.
//!
//! Their numbers begin with 40009900 and a digit for the operation: 2 authorisation, 3 capture, 4 void, 5 refund
//! (a fault) or 6 refund (an ending that is no fault). No published test card uses this range. A fault strikes the
//! first try of an operation's key; a query, and every later try, is answered truthfully.

use domain::outcome::RefundFailure;

use super::{TestCard, card};
use crate::simulator::behaviour::{Behaviour, Fault, RefundBehaviour, Stage};

/// The authorisation or card check goes wrong.
#[rustfmt::skip]
pub(super) const AUTHORIZE: &[TestCard] = &[
    card("4000990020000018", &["simulator_answersLate"], Behaviour::Fault { stage: Stage::Authorize, fault: Fault::AnswersLate }, "Done; the answer comes late"),
    card("4000990020000026", &["simulator_timeoutAfterCharge"], Behaviour::Fault { stage: Stage::Authorize, fault: Fault::TimesOutAfter }, "Done, but no answer comes"),
    card("4000990020000034", &["simulator_timeoutBeforeCharge"], Behaviour::Fault { stage: Stage::Authorize, fault: Fault::TimesOutBefore }, "Not done and no answer comes; the next try is carried out"),
    card("4000990020000042", &["simulator_arrivesTwice"], Behaviour::Fault { stage: Stage::Authorize, fault: Fault::ArrivesTwice }, "The request reaches the bank twice; both answers are the same"),
    card("4000990020000059", &["simulator_connectionDropsAfterCharge"], Behaviour::Fault { stage: Stage::Authorize, fault: Fault::DropsAfter }, "Done, but the connection drops before the answer"),
    card("4000990020000067", &["simulator_serverErrorAfterCharge"], Behaviour::Fault { stage: Stage::Authorize, fault: Fault::ServerErrorAfter }, "Done, but the answer is a 500"),
    card("4000990020000075", &["simulator_serverErrorBeforeCharge"], Behaviour::Fault { stage: Stage::Authorize, fault: Fault::ServerErrorBefore }, "Not done and the answer is a 500; the next try is carried out"),
    card("4000990020000083", &["simulator_garbageAfterCharge"], Behaviour::Fault { stage: Stage::Authorize, fault: Fault::Garbage }, "Done, but the answer cannot be read"),
    card("4000990020000091", &["simulator_unknownThenApproved"], Behaviour::Fault { stage: Stage::Authorize, fault: Fault::SettlesApproved }, "The bank cannot say yet; later it is done"),
    card("4000990020000109", &["simulator_unknownThenDeclined"], Behaviour::Fault { stage: Stage::Authorize, fault: Fault::SettlesDeclined }, "The bank cannot say yet; later it is refused"),
];

/// The capture goes wrong.
#[rustfmt::skip]
pub(super) const CAPTURE: &[TestCard] = &[
    card("4000990030000016", &["simulator_captureAnswersLate"], Behaviour::Fault { stage: Stage::Capture, fault: Fault::AnswersLate }, "Done; the answer comes late"),
    card("4000990030000024", &["simulator_timeoutAfterCapture"], Behaviour::Fault { stage: Stage::Capture, fault: Fault::TimesOutAfter }, "Done, but no answer comes"),
    card("4000990030000032", &["simulator_timeoutBeforeCapture"], Behaviour::Fault { stage: Stage::Capture, fault: Fault::TimesOutBefore }, "Not done and no answer comes; the next try is carried out"),
    card("4000990030000040", &["simulator_captureArrivesTwice"], Behaviour::Fault { stage: Stage::Capture, fault: Fault::ArrivesTwice }, "The request reaches the bank twice; both answers are the same"),
    card("4000990030000057", &["simulator_connectionDropsAfterCapture"], Behaviour::Fault { stage: Stage::Capture, fault: Fault::DropsAfter }, "Done, but the connection drops before the answer"),
    card("4000990030000065", &["simulator_serverErrorAfterCapture"], Behaviour::Fault { stage: Stage::Capture, fault: Fault::ServerErrorAfter }, "Done, but the answer is a 500"),
    card("4000990030000073", &["simulator_serverErrorBeforeCapture"], Behaviour::Fault { stage: Stage::Capture, fault: Fault::ServerErrorBefore }, "Not done and the answer is a 500; the next try is carried out"),
    card("4000990030000081", &["simulator_garbageAfterCapture"], Behaviour::Fault { stage: Stage::Capture, fault: Fault::Garbage }, "Done, but the answer cannot be read"),
    card("4000990030000099", &["simulator_captureUnknownThenApproved"], Behaviour::Fault { stage: Stage::Capture, fault: Fault::SettlesApproved }, "The bank cannot say yet; later it is done"),
    card("4000990030000107", &["simulator_captureUnknownThenDeclined"], Behaviour::Fault { stage: Stage::Capture, fault: Fault::SettlesDeclined }, "The bank cannot say yet; later it is refused"),
];

/// The void goes wrong.
#[rustfmt::skip]
pub(super) const VOID: &[TestCard] = &[
    card("4000990040000014", &["simulator_voidAnswersLate"], Behaviour::Fault { stage: Stage::Void, fault: Fault::AnswersLate }, "Done; the answer comes late"),
    card("4000990040000022", &["simulator_timeoutAfterVoid"], Behaviour::Fault { stage: Stage::Void, fault: Fault::TimesOutAfter }, "Done, but no answer comes"),
    card("4000990040000030", &["simulator_timeoutBeforeVoid"], Behaviour::Fault { stage: Stage::Void, fault: Fault::TimesOutBefore }, "Not done and no answer comes; the next try is carried out"),
    card("4000990040000048", &["simulator_voidArrivesTwice"], Behaviour::Fault { stage: Stage::Void, fault: Fault::ArrivesTwice }, "The request reaches the bank twice; both answers are the same"),
    card("4000990040000055", &["simulator_connectionDropsAfterVoid"], Behaviour::Fault { stage: Stage::Void, fault: Fault::DropsAfter }, "Done, but the connection drops before the answer"),
    card("4000990040000063", &["simulator_serverErrorAfterVoid"], Behaviour::Fault { stage: Stage::Void, fault: Fault::ServerErrorAfter }, "Done, but the answer is a 500"),
    card("4000990040000071", &["simulator_serverErrorBeforeVoid"], Behaviour::Fault { stage: Stage::Void, fault: Fault::ServerErrorBefore }, "Not done and the answer is a 500; the next try is carried out"),
    card("4000990040000089", &["simulator_garbageAfterVoid"], Behaviour::Fault { stage: Stage::Void, fault: Fault::Garbage }, "Done, but the answer cannot be read"),
    card("4000990040000097", &["simulator_voidUnknownThenApproved"], Behaviour::Fault { stage: Stage::Void, fault: Fault::SettlesApproved }, "The bank cannot say yet; later it is done"),
    card("4000990040000105", &["simulator_voidUnknownThenDeclined"], Behaviour::Fault { stage: Stage::Void, fault: Fault::SettlesDeclined }, "The bank cannot say yet; later it is refused"),
];

/// The refund goes wrong.
#[rustfmt::skip]
pub(super) const REFUND: &[TestCard] = &[
    card("4000990050000011", &["simulator_refundAnswersLate"], Behaviour::Fault { stage: Stage::Refund, fault: Fault::AnswersLate }, "Done; the answer comes late"),
    card("4000990050000029", &["simulator_timeoutAfterRefund"], Behaviour::Fault { stage: Stage::Refund, fault: Fault::TimesOutAfter }, "Done, but no answer comes"),
    card("4000990050000037", &["simulator_timeoutBeforeRefund"], Behaviour::Fault { stage: Stage::Refund, fault: Fault::TimesOutBefore }, "Not done and no answer comes; the next try is carried out"),
    card("4000990050000045", &["simulator_refundArrivesTwice"], Behaviour::Fault { stage: Stage::Refund, fault: Fault::ArrivesTwice }, "The request reaches the bank twice; both answers are the same"),
    card("4000990050000052", &["simulator_connectionDropsAfterRefund"], Behaviour::Fault { stage: Stage::Refund, fault: Fault::DropsAfter }, "Done, but the connection drops before the answer"),
    card("4000990050000060", &["simulator_serverErrorAfterRefund"], Behaviour::Fault { stage: Stage::Refund, fault: Fault::ServerErrorAfter }, "Done, but the answer is a 500"),
    card("4000990050000078", &["simulator_serverErrorBeforeRefund"], Behaviour::Fault { stage: Stage::Refund, fault: Fault::ServerErrorBefore }, "Not done and the answer is a 500; the next try is carried out"),
    card("4000990050000086", &["simulator_garbageAfterRefund"], Behaviour::Fault { stage: Stage::Refund, fault: Fault::Garbage }, "Done, but the answer cannot be read"),
    card("4000990050000094", &["simulator_refundUnknownThenApproved"], Behaviour::Fault { stage: Stage::Refund, fault: Fault::SettlesApproved }, "The bank cannot say yet; later it is done"),
    card("4000990050000102", &["simulator_refundUnknownThenDeclined"], Behaviour::Fault { stage: Stage::Refund, fault: Fault::SettlesDeclined }, "The bank cannot say yet; later it is refused"),
    card("4000990060000019", &["simulator_refundPendingThenFails"], Behaviour::Refund(RefundBehaviour::PendingThenFails), "Refunds are pending first, then fail"),
    card("4000990060000027", &["simulator_refundDeclined"], Behaviour::Refund(RefundBehaviour::Fails(RefundFailure::Declined)), "Refunds fail at once: declined"),
    card("4000990060000035", &["simulator_refundLostOrStolenCard"], Behaviour::Refund(RefundBehaviour::Fails(RefundFailure::LostOrStolenCard)), "Refunds fail at once: lost or stolen card"),
    card("4000990060000043", &["simulator_refundExpiredOrCanceledCard"], Behaviour::Refund(RefundBehaviour::Fails(RefundFailure::ExpiredOrCanceledCard)), "Refunds fail at once: expired or cancelled card"),
    card("4000990060000050", &["simulator_refundInsufficientFunds"], Behaviour::Refund(RefundBehaviour::Fails(RefundFailure::InsufficientFunds)), "Refunds fail at once: insufficient funds"),
];
