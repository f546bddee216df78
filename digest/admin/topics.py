"""Topics, with a preview of the papers that a topic's words would match."""

from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Case, IntegerField, QuerySet, Value, When
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from digest.desk import words
from digest.desk.today import topics
from digest.papers.matching import terms_of
from digest.papers.preview import preview
from subscribers.admin import TopicAdmin
from subscribers.models import Topic


class PreviewForm(forms.ModelForm[Topic]):
    """What papers are matched to, and how many days to look at."""

    # Not the model's field, which would have to be new.
    slug = forms.CharField(required=False, widget=forms.HiddenInput)
    matched_by = forms.ChoiceField(
        label=gettext_lazy("matched by"),
        choices=Topic._meta.get_field("matched_by").choices or (),
        required=False,
    )
    days = forms.TypedChoiceField(
        label=gettext_lazy("Days"),
        choices=[(7, gettext_lazy("the last 7")), (30, gettext_lazy("the last 30"))],
        coerce=int,
        required=False,
    )

    class Meta:
        model = Topic
        fields = ("name", "description", "seed_terms")
        widgets = dict.fromkeys(fields, forms.TextInput(attrs={"class": "vLargeTextField"}))


# `subscribers` owns topics, but only this app can tell which papers a topic matches.
admin.site.unregister(Topic)


@admin.register(Topic)
class TopicWithPreviewAdmin(TopicAdmin):
    list_display = ("shown", *TopicAdmin.list_display[1:], "followers")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Topic]:
        """Annotate the numbers, so that the list can be sorted by them."""
        whens = [When(pk=pk, then=Value(number)) for pk, number in topics.followers().items()]
        number = Case(*whens, default=Value(0), output_field=IntegerField())
        found: QuerySet[Topic] = super().get_queryset(request)
        return found.annotate(num_followers=number)

    @admin.display(ordering="name", description=gettext_lazy("name"))
    def shown(self, topic: Topic) -> str:
        return topic.label

    @admin.display(ordering="num_followers", description=gettext_lazy("followers"))
    def followers(self, topic: Any) -> str:
        return words.number(topic.num_followers)

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.show_preview)
        return [path("preview/", view, name="subscribers_topic_preview"), *super().get_urls()]

    def show_preview(self, request: HttpRequest) -> HttpResponse:
        """Show which papers the topic in the form would match. Saves nothing, even by POST."""
        if not (self.has_add_permission(request) or self.has_change_permission(request)):
            raise PermissionDenied
        form = PreviewForm(request.POST or None)
        found = None
        if form.is_valid():
            asked = form.cleaned_data
            days = asked.pop("days") or 7
            found = preview(terms_of(Topic(**asked)), days=days, now=timezone.now())
        context = {
            **self.admin_site.each_context(request),
            "title": _("Preview of a topic"),
            "opts": self.opts,
            "form": form,
            "found": found,
        }
        return TemplateResponse(request, "admin/subscribers/topic/preview.html", context)
