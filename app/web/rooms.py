"""The rooms of the application: one blueprint each, registered in one place."""

from __future__ import annotations

from flask import Flask

from app.web import (
    audit_views,
    card_job_views,
    card_stock_views,
    card_views,
    closing_views,
    desk_api,
    desk_reports_api,
    home_views,
    issuance_views,
    my_views,
    openid_views,
    operations_views,
    organisation_load_views,
    organisation_views,
    people_views,
    position_views,
    registration_views,
    renewal_views,
    request_views,
    session_views,
    sign_in_views,
    signature_api,
    signature_views,
    stock_delivery_views,
    stock_take_views,
    system_certificate_views,
    system_list_views,
    system_request_views,
    system_views,
    unlock_desk_api,
    unlock_views,
    workstation_views,
)


def install(app: Flask) -> None:
    """Register every room."""
    for room in (
        home_views,
        people_views,
        registration_views,
        organisation_views,
        organisation_load_views,
        closing_views,
        position_views,
        request_views,
        issuance_views,
        card_views,
        card_stock_views,
        stock_delivery_views,
        stock_take_views,
        card_job_views,
        renewal_views,
        unlock_views,
        my_views,
        system_views,
        system_request_views,
        system_list_views,
        system_certificate_views,
        audit_views,
        operations_views,
        desk_api,
        unlock_desk_api,
        desk_reports_api,
        workstation_views,
        session_views,
        sign_in_views,
        openid_views,
        signature_views,
        signature_api,
    ):
        app.register_blueprint(room.blueprint)
