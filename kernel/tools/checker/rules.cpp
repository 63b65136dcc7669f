// SPDX-License-Identifier: MPL-2.0
// The visitor's traversal and what it asks of declarations and types.
#include "rules.h"

using namespace clang;

namespace checker {

void rules_check(CompilerInstance &compiler, ASTContext &context)
{
	Rules(compiler).TraverseDecl(context.getTranslationUnitDecl());
}

bool Rules::TraverseFunctionDecl(FunctionDecl *f)
{
	if (trusted(f->getLocation()))
		return true; // inline functions of the core
	auto *outer = function;
	function = f;
	if (f->isThisDeclarationADefinition() && f->hasBody())
		taint_compute(f->getBody());
	bool result = Parent::TraverseFunctionDecl(f);
	if (f->isThisDeclarationADefinition() && f->hasBody() && is_stack_only(f->getReturnType()))
		returned_view_check(f);
	tainted.clear();
	function = outer;
	return result;
}

bool Rules::TraverseRecordDecl(RecordDecl *r)
{
	return trusted(r->getLocation()) || Parent::TraverseRecordDecl(r);
}

bool Rules::TraverseCompoundStmt(CompoundStmt *s)
{
	size_t outer = guards.size();
	bool result = Parent::TraverseCompoundStmt(s);
	guards.resize(outer);
	return result;
}

// Annotations that were taken off their declarations, for the code generator's sake.
static llvm::DenseMap<const Decl *, llvm::SmallVector<StringRef, 2>> kept_notes;

void note_keep(Decl *d)
{
	if (!d->hasAttr<AnnotateAttr>())
		return;
	for (auto *a : d->specific_attrs<AnnotateAttr>())
		kept_notes[d].push_back(a->getAnnotation());
	d->dropAttr<AnnotateAttr>();
}

namespace {
class VariableNotes : public RecursiveASTVisitor<VariableNotes> {
public:
	bool VisitVarDecl(VarDecl *v)
	{
		if (v->isLocalVarDeclOrParm())
			note_keep(v);
		return true;
	}
};
} // namespace

// Of the parameters and local variables of a definition; declarations keep theirs for later ones to inherit.
void notes_keep(FunctionDecl *f)
{
	VariableNotes().TraverseDecl(f);
}

bool Rules::note(const Decl *d, StringRef annotation)
{
	if (!d)
		return false;
	for (auto *a : d->specific_attrs<AnnotateAttr>())
		if (a->getAnnotation() == annotation)
			return true;
	auto kept = kept_notes.find(d);
	return kept != kept_notes.end() && llvm::is_contained(kept->second, annotation);
}

const RecordDecl *Rules::record_of(QualType t)
{
	t = t.getCanonicalType();
	while (auto *array = t->getAsArrayTypeUnsafe())
		t = array->getElementType().getCanonicalType();
	return t->getAsRecordDecl();
}

bool Rules::record_has(QualType t, StringRef annotation)
{
	auto *r = record_of(t);
	if (r && r->getDefinition())
		r = r->getDefinition();
	return r && note(r, annotation);
}

// Anything whose bytes have meaning beyond a number, or unknown: pointers, bools, enumerations.
bool Rules::holds_more_than_integers(QualType t)
{
	t = t.getCanonicalType();
	if (auto *array = t->getAsArrayTypeUnsafe())
		return !isa<ConstantArrayType>(array) || holds_more_than_integers(array->getElementType());
	if (auto *r = t->getAsRecordDecl()) {
		if (!r->getDefinition())
			return true;
		for (auto *f : r->getDefinition()->fields())
			if (holds_more_than_integers(f->getType()))
				return true;
		return false;
	}
	return !t->isIntegerType() || t->isBooleanType() || t->isEnumeralType();
}

bool Rules::holds_private_fields(QualType t)
{
	auto *r = record_of(t);
	if (!r || !r->getDefinition())
		return false;
	for (auto *f : r->getDefinition()->fields())
		if (note(f, "svc.private") || holds_private_fields(f->getType()))
			return true;
	return false;
}

// The name of the field before the first hole of a record, or nothing: a hole would carry old bytes.
std::string Rules::padding_of(QualType t) const
{
	t = t.getCanonicalType();
	while (auto *array = t->getAsArrayTypeUnsafe())
		t = array->getElementType().getCanonicalType();
	auto *r = t->getAsRecordDecl();
	if (!r || !r->getDefinition() || r->isUnion())
		return "";
	r = r->getDefinition();
	auto &layout = context.getASTRecordLayout(r);
	uint64_t end = 0;
	std::string last = "the beginning";
	for (auto *f : r->fields()) {
		if (layout.getFieldOffset(f->getFieldIndex()) > end)
			return last;
		std::string inner = f->isBitField() ? "" : padding_of(f->getType());
		if (!inner.empty())
			return f->getName().str() + "." + inner;
		end = layout.getFieldOffset(f->getFieldIndex()) +
		      (f->isBitField() ? f->getBitWidthValue(context) : context.getTypeSize(f->getType()));
		last = f->getName().str();
	}
	return end < uint64_t(context.toBits(layout.getSize())) ? last : "";
}

bool Rules::same(const Expr *a, const Expr *b) const
{
	llvm::FoldingSetNodeID x, y;
	strip(a)->Profile(x, context, true);
	strip(b)->Profile(y, context, true);
	return x == y;
}

// The statement that uses `s`, parentheses and implicit conversions aside.
const Stmt *Rules::parent_of(const Stmt *s) const
{
	for (;;) {
		auto parents = context.getParents(*s);
		s = parents.empty() ? nullptr : parents[0].get<Stmt>();
		if (!s || !(isa<ParenExpr>(s) || isa<ImplicitCastExpr>(s)))
			return s;
	}
}

const VarDecl *Rules::variable_initialised_by(const Stmt *s) const
{
	for (;;) {
		auto parents = context.getParents(*s);
		if (parents.empty())
			return nullptr;
		if (auto *v = parents[0].get<VarDecl>())
			return v;
		s = parents[0].get<Stmt>();
		if (!s || !(isa<ParenExpr>(s) || isa<ImplicitCastExpr>(s) || isa<ConditionalOperator>(s)))
			return nullptr;
	}
}

} // namespace checker
