from typing import Any, NamedTuple

from django.db import migrations
from django.utils.translation import gettext_noop as _


class StarterTopic(NamedTuple):
    slug: str
    name: str
    description: str
    seed_terms: str  # separated by commas


# In the order of the sign-up form. A seed term is a word, or two that stand side by side, which
# papers on the topic use and others hardly do. "Retrieval" and "retriever" are two words here;
# plurals and "-ing" and "-ed" are not.
STARTER_TOPICS = [
    StarterTopic(
        slug="language-models",
        name=_("Language models and pretraining"),
        description=_(
            "How language models are built and pretrained: architecture, tokenization, scaling laws, training data, long context."
        ),
        seed_terms="""
            pretraining, pre-training, pretrained language, continual pretraining, pretraining data,
            pretraining corpus, language modeling, masked language, autoregressive language,
            diffusion language, diffusion llm, next-token prediction, tokenizer, tokenization, subword,
            scaling law, transformer architecture, transformer language, attention mechanism,
            linear attention, state space, mamba, positional encoding, long-context, context window,
            context length, optimizer, trillion tokens, perplexity, mixture-of-experts
        """,
    ),
    StarterTopic(
        slug="reasoning",
        name=_("Reasoning and mathematics"),
        description=_(
            "Step-by-step reasoning: chains of thought, mathematics, logic, planning, verification and test-time scaling."
        ),
        seed_terms="""
            reasoning, chain-of-thought, cot, step-by-step, math, mathematical, mathematical reasoning,
            math word, word problem, arithmetic, theorem proving, logical reasoning, latent reasoning,
            complex reasoning, long reasoning, efficient reasoning, reasoning model,
            reasoning ability, reasoning trace, reasoning path, reasoning step, reasoning chain,
            test-time scaling, test-time compute, overthinking, self-correction, self-consistency,
            process reward, verifier, olympiad
        """,
    ),
    StarterTopic(
        slug="reinforcement-learning",
        name=_("Reinforcement learning"),
        description=_(
            "Learning from rewards: policy optimization, verifiable rewards, exploration, reward models and self-play."
        ),
        seed_terms="""
            reinforcement learning, reinforcement fine-tuning, reinforcement finetuning, rl, rlvr, grpo,
            ppo, policy optimization, policy gradient, relative policy, proximal policy, policy learning,
            policy entropy, verifiable reward, reward, reward model, reward modeling, reward function,
            reward signal, reward hacking, sparse reward, rollout, actor-critic, value function,
            advantage estimation, offline rl, online rl, self-play, bandit, markov decision
        """,
    ),
    StarterTopic(
        slug="instruction-tuning",
        name=_("Instruction tuning and alignment"),
        description=_(
            "Teaching models to follow instructions and human preferences: instruction data, fine-tuning, feedback, reward models."
        ),
        seed_terms="""
            instruction tuning, instruction-tuned, instruction fine-tuning, instruction finetuning,
            instruction following, instruction data, instruction dataset, follow instructions,
            instruction-response, human-written instructions, natural instructions, self-instruct,
            supervised fine-tuning, sft, alignment tuning, preference alignment, preference optimization,
            direct preference, preference data, preference pairs, preference learning, human preference,
            human feedback, rlhf, dpo, self-alignment, reward model, post-training, chat template
        """,
    ),
    StarterTopic(
        slug="few-shot-learning",
        name=_("Few-shot and continual learning"),
        description=_(
            "Learning from few examples, from many tasks at once or one after another: in-context, transfer, multi-task, continual learning."
        ),
        seed_terms="""
            few-shot, few-shot learning, in-context learning, icl, in-context examples, demonstrations,
            zero-shot generalization, prompt tuning, prompt learning, soft prompt, meta-learning,
            meta-training, transfer learning, cross-task, task transfer, multi-task learning, multitask,
            multi-task, mtl, negative transfer, continual learning, class-incremental,
            incremental learning, lifelong learning, catastrophic forgetting, forgetting, task vector,
            task arithmetic, model merging, domain adaptation
        """,
    ),
    StarterTopic(
        slug="agents",
        name=_("Agents and tool use"),
        description=_(
            "Models that act: agents, tool use, web and computer use, multi-agent systems, memory and deep research."
        ),
        seed_terms="""
            agent, agentic, autonomous agent, llm agent, language agent, ai agent, multi-agent,
            agent system, agent trajectory, tool use, tool call, tool calling, tool learning,
            tool-integrated, function calling, api call, gui agent, gui, gui automation, computer use,
            web agent, web navigation, mobile agent, deep research, search agent, agent memory,
            long-horizon, model context protocol, mcp
        """,
    ),
    StarterTopic(
        slug="retrieval",
        name=_("Search and retrieval"),
        description=_(
            "Finding the right text: search, dense retrieval, embeddings, reranking, recommendation and retrieval-augmented generation."
        ),
        seed_terms="""
            retrieval, retriever, retrieve, dense retrieval, information retrieval, passage retrieval,
            document retrieval, retrieval-augmented, augmented generation, rag, reranking, reranker,
            re-ranking, semantic search, search engine, text embedding, embedding model,
            sentence embedding, sentence representation, semantic similarity, textual similarity,
            hard negative, contrastive learning, knowledge-intensive, knowledge base, query expansion,
            query rewriting, passage, recommendation, recommender
        """,
    ),
    StarterTopic(
        slug="code",
        name=_("Code and software"),
        description=_(
            "Programs written, repaired, tested and understood by models: code generation, debugging, software engineering."
        ),
        seed_terms="""
            code generation, code llm, code language, code model, code completion, code understanding,
            code review, code synthesis, coding, coding agent, coder, program synthesis,
            program repair, programming, programming language, competitive programming,
            software engineering, software development, software, swe-bench, humaneval,
            livecodebench, unit test, test case, bug, debugging, repository-level, codebase,
            compiler, sql
        """,
    ),
    StarterTopic(
        slug="multilingual",
        name=_("Languages and translation"),
        description=_(
            "Models for the world's languages: translation, multilingual and cross-lingual models, low-resource languages, culture."
        ),
        seed_terms="""
            multilingual, cross-lingual, machine translation, translation, low-resource language,
            multilingual model, multilingual language, bilingual, non-english, english-centric,
            native speaker, target language, african language, indic, indian language, arabic,
            chinese language, japanese, korean, hindi, persian, turkish, vietnamese, german, french,
            russian, linguistic diversity, dialect, transliteration, cultural
        """,
    ),
    StarterTopic(
        slug="vision-language",
        name=_("Vision and language"),
        description=_(
            "Models that see and speak: multimodal language models, visual question answering, captions, documents, video understanding."
        ),
        seed_terms="""
            vision-language, vlm, vlms, mllm, mllms, lvlm, lvlms, lmm, multimodal large,
            multimodal language, multimodal model, multi-modal large, multimodal understanding,
            multimodal reasoning, multimodal, omni-modal, large vision, visual question, vqa,
            visual reasoning, visual grounding, visual instruction, visual token, captioning,
            object hallucination, clip, ocr, document understanding, video understanding,
            chart understanding
        """,
    ),
    StarterTopic(
        slug="image-video-generation",
        name=_("Image and video generation"),
        description=_(
            "Making and editing pictures and films: diffusion models, text-to-image, video generation, style, personalization."
        ),
        seed_terms="""
            text-to-image, text-to-video, image-to-video, image generation, video generation,
            visual generation, image editing, video editing, image synthesis, video synthesis,
            diffusion, diffusion model, diffusion transformer, latent diffusion, video diffusion,
            flow matching, denoising, classifier-free guidance, controlnet, inpainting, animation,
            style transfer, personalization, subject-driven, identity preservation, generated image,
            generated video, visual quality, camera control, world model
        """,
    ),
    StarterTopic(
        slug="computer-vision",
        name=_("Computer vision and 3D"),
        description=_(
            "Seeing and reconstructing the world: segmentation, detection, depth, tracking, 3D scenes, avatars, Gaussian splatting."
        ),
        seed_terms="""
            segmentation, object detection, image classification, image recognition, object tracking,
            depth estimation, pose estimation, optical flow, computer vision, vision transformer,
            vision foundation, visual perception, scene understanding, dense prediction, remote sensing,
            point cloud, 3d, 4d, 3d reconstruction, 3d scene, 3d generation, gaussian splatting,
            3d gaussian, radiance field, view synthesis, multi-view, mesh, avatar, human motion,
            super-resolution
        """,
    ),
    StarterTopic(
        slug="speech-audio",
        name=_("Speech, audio and music"),
        description=_(
            "Sound: speech recognition and synthesis, spoken dialogue, audio understanding, music generation."
        ),
        seed_terms="""
            speech, audio, music, speech recognition, asr, text-to-speech, tts, speech synthesis,
            speech generation, speech language, spoken, spoken dialogue, voice, voice cloning, speaker,
            speaker similarity, audio generation, text-to-audio, audio-visual, audio language,
            audio understanding, audio codec, neural codec, vocoder, music generation, song, acoustic,
            sound, singing, talking head
        """,
    ),
    StarterTopic(
        slug="robotics",
        name=_("Robotics and embodied AI"),
        description=_(
            "Machines that move: robots, manipulation, vision-language-action models, navigation, autonomous driving."
        ),
        seed_terms="""
            robot, robotic, robot manipulation, robotic manipulation, manipulation task,
            dexterous, grasping, gripper, humanoid, locomotion, embodied, embodied ai, embodied agent,
            embodied task, vla, vla model, action model, action chunk, robot policy, imitation learning,
            visuomotor, teleoperation, sim-to-real, navigation, robot learning,
            autonomous driving, end-to-end driving, driving, egocentric, quadruped
        """,
    ),
    StarterTopic(
        slug="efficiency",
        name=_("Efficient models"),
        description=_(
            "Doing more with less: quantization, pruning, distillation, low-rank adapters, faster decoding, memory and hardware."
        ),
        seed_terms="""
            quantization, quantized, binarization, low-bit, int8, fp8, pruning, sparsity,
            sparse attention, distillation, knowledge distillation, compression, kv cache,
            speculative decoding, parallel decoding, parameter-efficient, peft, low-rank,
            low-rank adaptation, lora, token pruning, token reduction, memory-efficient, efficient inference,
            inference acceleration, speedup, throughput, latency, edge device, architecture search
        """,
    ),
    StarterTopic(
        slug="benchmarks",
        name=_("Benchmarks and data"),
        description=_(
            "How models are measured and what they are fed: benchmarks, evaluation, LLM judges, new datasets, annotation, contamination."
        ),
        seed_terms="""
            benchmark, benchmarking, benchmark designed, benchmark evaluating, benchmark comprising,
            benchmark suite, evaluation benchmark, evaluation dataset, evaluation pipeline,
            evaluation protocol, evaluation metric, evaluation suite, llm evaluation, evaluate llms,
            automatic evaluation, human evaluation, llm judge, judge, leaderboard,
            data contamination, contamination, annotation, annotated, human-annotated,
            crowdsourcing, data curation, dataset comprising, dataset construction,
            proprietary model, systematic evaluation
        """,
    ),
    StarterTopic(
        slug="safety-interpretability",
        name=_("Safety and interpretability"),
        description=_(
            "What models do inside and whether they can be trusted: interpretability, attacks, jailbreaks, privacy, bias, watermarks."
        ),
        seed_terms="""
            safety, safety alignment, jailbreak, red teaming, adversarial, attack, attack success,
            backdoor, prompt injection, harmful, toxic, refusal, privacy, unlearning, watermark,
            deepfake, misinformation, bias, fairness, trustworthy, sycophancy, deception,
            interpretability, interpretable, mechanistic interpretability, sparse autoencoder, circuit,
            attention head, steering vector, probing
        """,
    ),
    StarterTopic(
        slug="science-medicine",
        name=_("Science and medicine"),
        description=_(
            "Models for research and health: medicine, biology, chemistry, materials, physics, climate, scientific discovery."
        ),
        seed_terms="""
            medical, medicine, clinical, clinician, biomedical, healthcare, patient, diagnosis,
            diagnostic, radiology, pathology, disease, cancer, mri, ct, brain, drug, drug discovery,
            protein, genomic, molecule, molecular, chemistry, material, physics, weather, climate,
            scientific discovery, ai scientist, scientific research
        """,
    ),
]


def add_topics(apps: Any, schema_editor: Any) -> None:
    """Safe to repeat: a topic whose slug is there already stays as the operator has it."""
    Topic = apps.get_model("subscribers", "Topic")
    Topic.objects.bulk_create(
        [
            Topic(
                slug=topic.slug,
                name=topic.name,
                description=topic.description,
                seed_terms=[" ".join(term.split()) for term in topic.seed_terms.split(",")],
                position=position,
            )
            for position, topic in enumerate(STARTER_TOPICS, 1)
        ],
        ignore_conflicts=True,
    )


class Migration(migrations.Migration):
    dependencies = [("subscribers", "0001_initial")]

    operations = [migrations.RunPython(add_topics, migrations.RunPython.noop)]
