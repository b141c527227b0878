"""The billing system's side of the universe: customers, subscriptions and what they were sent."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field

from sandbox.universe import names
from sandbox.universe.calendar import DAY
from sandbox.universe.catalogue import Catalogue
from sandbox.universe.chance import fraction, stream, token
from sandbox.universe.companies import Company
from sandbox.universe.contracts import Discount, Subscription
from sandbox.universe.crm import account_key, company_id
from sandbox.universe.invoicing import Invoice, invoices_of
from sandbox.universe.people import Person
from sandbox.universe.signing import Frame, attach, sign


@dataclass(slots=True)
class Customer:
    """One billing customer; times are epoch seconds, None is never."""

    id: str
    company: Company
    name: str
    email: str | None
    created: int
    metadata: dict[str, str]
    deleted: int | None = None
    discount: Discount | None = None
    renamed: tuple[int, str] | None = None
    subscriptions: list[Subscription] = field(default_factory=list)

    def name_at(self, at: int) -> str:
        """Return the name at a moment."""
        return self.renamed[1] if self.renamed and at >= self.renamed[0] else self.name


@dataclass(frozen=True, slots=True)
class Charge:
    """One try to collect an invoice."""

    id: str
    intent: str
    invoice: Invoice
    at: int
    paid: bool
    refund: tuple[str, int, int] | None  # id, moment, amount
    dispute: tuple[str, int] | None  # id, moment


@dataclass(frozen=True, slots=True)
class CreditNote:
    """One credit note over part of an invoice before tax."""

    id: str
    invoice: Invoice
    at: int
    amount: int
    reason: str


def make_customers(
    frame: Frame, catalogue: Catalogue, company: Company, people: list[Person]
) -> list[Customer]:
    """Return the billing customers of a company, one or two, with their subscriptions."""
    if not company.in_billing:
        return []
    rng = stream(frame.seed, "customer", company.index)
    count = 2 if company.plan != "starter" and rng.random() < 0.06 else 1
    ids = [token("cus_", frame.seed, company.index, number) for number in range(count)]
    signed = sign(frame, catalogue, company, ids)
    made = []
    for number, identity in enumerate(ids):
        own = [sub for sub in signed if sub.customer == identity]
        if not own:
            continue
        style = int(rng.choice(8, p=[0.3, 0.27, 0.12, 0.09, 0.06, 0.05, 0.03, 0.08]))
        name = names.written(company.name, company.legal_short, company.legal_long, style)
        if number:
            name += " - Europe" if rng.random() < 0.5 else " (Marketing)"
        metadata = {}
        crm, product = company_id(company), account_key(company)
        if crm and rng.random() < 0.62:
            metadata["hubspot_company_id"] = crm
        if product and rng.random() < 0.5:
            metadata["product_account_id"] = product
        customer = Customer(
            identity, company, name, _email(company, people, number, rng.random()),
            own[0].created - 120, metadata, subscriptions=own,
        )  # fmt: skip
        _customer_discount(frame, catalogue, customer, rng.random())
        _deletion(customer, rng.random(), frame.horizon)
        if rng.random() < 0.08:
            again = names.written(company.name, company.legal_short, company.legal_long, 0)
            customer.renamed = (customer.created + int(rng.integers(30, 700)) * DAY, again)
        made.append(customer)
    return made


def _email(company: Company, people: list[Person], number: int, draw: float) -> str | None:
    if draw < 0.03:
        return None
    if draw < 0.35 and not company.free_mail:
        return f"{('billing', 'accounts', 'invoices')[int(draw * 100) % 3]}@{company.domain}"
    if people:
        return people[min(number, len(people) - 1)].email
    return f"finance@{company.domain}"


def _customer_discount(frame: Frame, catalogue: Catalogue, customer: Customer, draw: float) -> None:
    bare = all(not sub.discounts for sub in customer.subscriptions)
    if bare and draw < 0.05:
        customer.discount = attach(
            frame.seed, catalogue.coupons["PARTNER15"], customer.id, customer.created
        )
        for sub in customer.subscriptions:
            sub.customer_discount = customer.discount


def _deletion(customer: Customer, draw: float, horizon: int) -> None:
    ends = [sub.ended_at for sub in customer.subscriptions]
    if draw < 0.08 and all(ends):
        gone = max(end for end in ends if end) + int(20 + draw * 1000) * DAY
        customer.deleted = gone if gone < horizon else None


class Ledger:
    """Invoices, charges, refunds and credit notes up to a moment that only moves forward."""

    def __init__(self, seed: int, customers: list[Customer]) -> None:
        self._seed = seed
        self._sources: list[tuple[Iterator[Invoice], Invoice | None]] = []
        for customer in customers:
            for sub in customer.subscriptions:
                source = invoices_of(seed, sub, customer.company.country)
                self._sources.append((source, next(source, None)))
        self._until = 0
        self._lock = threading.Lock()
        self.invoices: list[Invoice] = []
        self.charges: list[Charge] = []
        self.credit_notes: list[CreditNote] = []
        self.by_id: dict[str, Invoice] = {}
        self.invoices_of: dict[str, list[Invoice]] = {}
        self.charges_of: dict[str, list[Charge]] = {}

    def extend(self, until: int) -> None:
        """Issue every invoice created up to `until`; what was issued before stays as it is."""
        with self._lock:
            if until <= self._until:
                return
            for position, (source, waiting) in enumerate(self._sources):
                while waiting is not None and waiting.created <= until:
                    self._issue(waiting)
                    waiting = next(source, None)
                self._sources[position] = (source, waiting)
            self._until = until

    def _issue(self, invoice: Invoice) -> None:
        self.invoices.append(invoice)
        self.by_id[invoice.id] = invoice
        self.invoices_of.setdefault(invoice.sub.id, []).append(invoice)
        intent = token("pi_", self._seed, invoice.id, length=24)
        for number, (at, paid) in enumerate(invoice.tries):
            refund = self._refund(invoice, at) if paid else None
            dispute = self._dispute(invoice, at) if paid and refund is None else None
            identity = token("ch_", self._seed, invoice.id, number, length=24)
            made = Charge(identity, intent, invoice, at, paid, refund, dispute)
            self.charges.append(made)
            self.charges_of.setdefault(invoice.id, []).append(made)
        draw = fraction(self._seed, "credit note", invoice.id)
        if draw < 0.012 and invoice.paid and invoice.subtotal > 100:
            identity = token("cn_", self._seed, invoice.id, length=24)
            at = invoice.paid + int(2 + draw * 1500) * DAY
            reason = "order_change" if draw < 0.006 else "product_unsatisfactory"
            tenth = invoice.subtotal // 10
            self.credit_notes.append(CreditNote(identity, invoice, at, tenth, reason))

    def _refund(self, invoice: Invoice, at: int) -> tuple[str, int, int] | None:
        draw = fraction(self._seed, "refund", invoice.id)
        if draw >= 0.015:
            return None
        amount = invoice.total if draw < 0.006 else invoice.total // 2
        return (
            token("re_", self._seed, invoice.id, length=24),
            at + int(3 + draw * 2500) * DAY,
            amount,
        )

    def _dispute(self, invoice: Invoice, at: int) -> tuple[str, int] | None:
        draw = fraction(self._seed, "dispute", invoice.id)
        if draw >= 0.004:
            return None
        return token("dp_", self._seed, invoice.id, length=24), at + int(2 + draw * 5000) * DAY
