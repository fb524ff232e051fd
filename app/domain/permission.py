"""What an actor may do. Who holds which permission is data: ``config/permissions.toml``."""

from __future__ import annotations

from enum import StrEnum


class Permission(StrEnum):
    """One ability of RA staff, after the Care Identity Management user guides' table of tasks."""

    FIND_PEOPLE = "people.find"
    REGISTER_PERSON = "people.register"
    CHANGE_PERSON = "people.change"
    CLOSE_PERSON = "people.close"
    VIEW_POSITIONS = "positions.view"
    CREATE_POSITION = "positions.create"
    REQUEST_POSITION = "requests.raise"
    DECIDE_REQUEST = "requests.decide"
    ISSUE_CARD = "cards.issue"
    CANCEL_CARD = "cards.cancel"
    UNLOCK_CARD = "cards.unlock"
    RENEW_CARD = "cards.renew"
    EXPORT_SO_PIN = "cards.export_so_pin"
    FORECAST_RENEWALS = "renewals.forecast"
    PRINT_CARD = "cards.print"
    KEEP_STOCK = "stock.keep"
    CONFIRM_STOCK = "stock.confirm"
    READ_WORKSTATION_REPORTS = "workstations.read"
    LOAD_ORGANISATIONS = "organisations.load"
    CLOSE_ORGANISATION = "organisations.close"
    VIEW_SYSTEMS = "systems.view"
    REGISTER_SYSTEM = "systems.register"
    APPROVE_SYSTEM = "systems.approve"
    APPROVE_HOST_NAMES = "systems.approve_host_names"
    READ_AUDIT = "audit.read"
    READ_OPERATIONS = "operations.read"
